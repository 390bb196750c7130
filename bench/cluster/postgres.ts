import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../cli/ports.ts';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { startLogged, stopProcess, untilReady } from './logged-process.ts';
import type { Undoing } from './undoing.ts';

/** Whom a server runs as that must not be root. */
export interface Unprivileged {
  readonly uid: number;
  readonly gid: number;
}

/** A PostgreSQL server of our own, on loopback. */
export interface Postgres {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

const host = '127.0.0.1';
const user = 'temporal';
const debianFolder = '/usr/lib/postgresql';

/** The user that Debian's package makes, or the one that owns nothing. */
export function unprivileged(): Unprivileged {
  for (const name of ['postgres', 'nobody'])
    try {
      const id = (option: string) =>
        Number(execFileSync('id', [option, name], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      // There is no such user.
    }
  throw new ContrailError(
    'SetupFailed',
    'PostgreSQL does not run as root, and there is neither a user postgres nor nobody.',
  );
}

/** Where the programs of the newest PostgreSQL are. @throws ContrailError SetupFailed */
function programs(): string {
  const versions = existsSync(debianFolder) ? readdirSync(debianFolder).map(Number).filter(Number.isFinite) : [];
  const folders = [
    ...versions.sort((a, b) => b - a).map((version) => join(debianFolder, String(version), 'bin')),
    ...(process.env.PATH ?? '').split(':'),
  ];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')));
  if (found === undefined)
    throw new ContrailError('SetupFailed', 'There is no PostgreSQL here. `apt-get install postgresql` installs it.');
  return found;
}

/**
 * Makes a cluster in a folder and starts its server: with a password, on loopback alone, and as durable as PostgreSQL is by default.
 *
 * @param folder belongs to `owner` afterwards
 */
export async function startPostgres(folder: string, owner: Unprivileged, undoing: Undoing): Promise<Postgres> {
  const bin = programs();
  const env = { ...childEnvironment(process.env, 'server'), HOME: folder };
  const own = { ...owner, cwd: folder, env };
  mkdirSync(folder, { mode: 0o700 });
  chownSync(folder, owner.uid, owner.gid);
  const password = randomBytes(16).toString('hex');
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  chownSync(passwordFile, owner.uid, owner.gid);
  const data = join(folder, 'data');
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', user, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--encoding=UTF8', '--locale=C'],
    { ...own, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const port = await freePort();
  const settings = { listen_addresses: host, port, unix_socket_directories: '' };
  const server = startLogged(
    join(folder, 'postgres.log'),
    join(bin, 'postgres'),
    ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    own,
  );
  // A fast shutdown.
  undoing.later('PostgreSQL', () => stopProcess(server.child, 'SIGINT'));
  await untilReady(server, 'PostgreSQL', async () => {
    try {
      execFileSync(join(bin, 'pg_isready'), ['-q', '-h', host, '-p', String(port)], { env });
      return true;
    } catch {
      return false;
    }
  });
  return { port, user, password };
}
