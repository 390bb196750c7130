import { times } from '../../contracts/counted.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { openHome } from '../../home/home.ts';
import { collectGarbage, listFiles, neededBy, openStore, removeRun, type Store } from '../../store/index.ts';
import { confirm } from '../confirm.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { checkRunId } from '../given-names.ts';
import { print, printJson, say } from '../output.ts';
import { findRun } from '../runs.ts';
import { unknownRun } from '../unknown-run.ts';

export interface RemoveOptions {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

interface Removable {
  readonly run: string;
  readonly files: number;
  readonly bytes: number;
}

/** `contrail rm`: removes runs that have ended from the store. Only the server knows whether they have, so it is asked. */
export async function removeCommand(named: readonly string[], options: RemoveOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const names = [...new Set(named.map(checkRunId))];
  return withServer(async (server) => {
    const runs: Removable[] = [];
    for (const run of names) runs.push(await requireRemovable(server, store, run, new Set(names)));
    const bytes = await bytesThatFollow(store, names);
    if (!options.dryRun && !options.yes && !(await confirm(`Remove ${described(runs)} from the store?`))) return 1;
    if (!options.dryRun) for (const { run } of runs) await removeRun(store, run);
    if (options.json) printJson({ dryRun: options.dryRun, runs, artifactBytes: bytes });
    else tell(runs, bytes, options.dryRun);
    return 0;
  });
}

const sum = (runs: readonly Removable[]) => runs.reduce((bytes, each) => bytes + each.bytes, 0);
const described = (runs: readonly Removable[]) =>
  `${runs.map(({ run }) => run).join(', ')} (${formatBytes(sum(runs))})`;

function tell(runs: readonly Removable[], bytes: number, dryRun: boolean): void {
  for (const { run, files, bytes: size } of runs) print(`${run} ${times(files, 'file')}, ${formatBytes(size)}`);
  say(
    `${dryRun ? 'Would remove' : 'Removed'} ${described(runs)}. Temporal forgets ${runs.length === 1 ? 'it' : 'them'} when the retention of its namespace has passed.`,
  );
  say(
    bytes === 0
      ? 'No artifact goes with it: the cache, other runs or models name them, or they are younger than an hour.'
      : `\`contrail cache gc\` ${dryRun ? 'would then free' : 'frees'} ${formatBytes(bytes)} of artifacts that nothing names any more.`,
  );
}

/** @throws ContrailError RunNotFound; Usage where it goes on, or something needs it */
async function requireRemovable(
  server: ServerClient,
  store: Store,
  run: string,
  going: ReadonlySet<string>,
): Promise<Removable> {
  const files = await listFiles(store, `runs/${run}`);
  if (files.length === 0) throw await unknownRun(store, run);
  const known = await findRun(server, run);
  if (known?.status.name === 'RUNNING')
    throw new ContrailError(
      'Usage',
      `The run ${run} is going on. \`contrail cancel ${run}\` stops it; then it can be removed.`,
    );
  const needs = await neededBy(store, run, going);
  if (needs.length > 0)
    throw new ContrailError(
      'Usage',
      `The run ${run} is still needed, and stays:\n${needs.map((need) => `  ${need}`).join('\n')}`,
    );
  return { run, files: files.length, bytes: files.reduce((total, { bytes }) => total + bytes, 0) };
}

/** How much nothing names any more once these runs are gone. */
async function bytesThatFollow(store: Store, runs: readonly string[]): Promise<number> {
  const without: Store = {
    ...store,
    list: async (folder) =>
      (await store.list(folder)).filter(({ path }) => !runs.some((run) => path.startsWith(`runs/${run}/`))),
  };
  return (await collectGarbage(without, { dryRun: true })).bytes;
}
