import { execFile } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { childEnvironment } from '../contracts/child-environment.ts';

const run = promisify(execFile);

/**
 * Downloads a package of Debian, by apt-get with lists, cache and state of its own: it needs neither root nor an up-to-date system,
 * and installs nothing.
 *
 * @param wanted the package's name, or `name=version`
 * @param temporary an empty folder
 * @returns the archive in it
 * @throws what apt-get said, where it has no such package or version
 */
export async function downloadDebianPackage(wanted: string, temporary: string, signal?: AbortSignal): Promise<string> {
  const [lists, cache] = [join(temporary, 'lists'), join(temporary, 'cache')];
  await Promise.all([
    mkdir(join(lists, 'partial'), { recursive: true }),
    mkdir(join(cache, 'archives', 'partial'), { recursive: true }),
  ]);
  const options = [
    '-qq',
    '-o',
    `Dir::State::Lists=${lists}`,
    '-o',
    `Dir::Cache=${cache}`,
    '-o',
    'Debug::NoLocking=1',
    '-o',
    'APT::Sandbox::User=',
  ];
  const how = { cwd: temporary, ...settings(signal) };
  await run('apt-get', [...options, 'update'], how);
  await run('apt-get', [...options, 'download', wanted], how);
  const archive = (await readdir(temporary)).find((name) => name.endsWith('.deb'));
  if (!archive) throw new Error('apt-get downloaded nothing');
  return join(temporary, archive);
}

/** Unpacks the files of a package into a folder. It runs none of its scripts. */
export async function unpackDebianPackage(archive: string, folder: string, signal?: AbortSignal): Promise<void> {
  await run('dpkg-deb', ['-x', archive, folder], settings(signal));
}

const settings = (signal?: AbortSignal) => ({
  env: childEnvironment(process.env, 'set-up'),
  ...(signal ? { signal } : {}),
});
