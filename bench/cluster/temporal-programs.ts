import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { nativeFolder } from '../../native/paths.ts';
import { runProgram } from '../../native/programs.ts';

/** Temporal's own server, as clusters run it, and the tool that makes its tables. */
export interface TemporalPrograms {
  readonly server: string;
  readonly sql: string;
}

const version = '1.32.2';
/** That Go which this version asks for; another one fetches it. */
const go = 'go1.27.3';
const packages = ['server', 'tools/sql'].map((name) => `go.temporal.io/server/cmd/${name}@v${version}`);

/**
 * Builds both once, which takes some seven minutes of processor time. Go fetches the modules, and Go itself in the version that they need,
 * and compares each with the sums in its public log.
 *
 * @throws ContrailError SetupFailed without Go, or where it cannot build them
 */
export async function temporalPrograms(): Promise<TemporalPrograms> {
  const folder = join(nativeFolder, `temporal-server-${version}`);
  if (!existsSync(folder)) await build(folder);
  return { server: join(folder, 'server'), sql: join(folder, 'sql') };
}

async function build(folder: string): Promise<void> {
  await mkdir(nativeFolder, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.part-`);
  process.stderr.write(`cluster: building Temporal's server ${version}, once, for some minutes …\n`);
  try {
    await runProgram(
      'nice',
      ['-n', '19', 'go', 'install', ...packages],
      { ...goVariables(), GOTOOLCHAIN: go, GOBIN: unfinished, GOFLAGS: '-p=1', CGO_ENABLED: '0' },
      'set-up',
    );
    // Whoever renames first wins; the others' programs are the same.
    await rename(unfinished, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } catch (cause) {
    throw new ContrailError(
      'SetupFailed',
      `Temporal's server cannot be built here: ${cause instanceof Error ? cause.message : String(cause)}. It needs Go (Debian's package golang, or go.dev), 1.21 or newer, and its module proxy.`,
      { cause },
    );
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Where Go finds modules, their sums, and what it built before. */
const goVariables = (): Record<string, string> =>
  Object.fromEntries(
    ['GOPROXY', 'GOSUMDB', 'GONOSUMDB', 'GOPATH', 'GOMODCACHE', 'GOCACHE'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
