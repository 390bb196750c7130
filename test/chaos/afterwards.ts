import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { checkStore } from '../../store/index.ts';
import { processesOf } from './processes.ts';
import { inEnvironment, type World } from './world.ts';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));
/** What killed processes left counts as left over after an hour. */
const hoursMs = 3 * 3_600_000;
const processesEndMs = 20_000;
const execute = promisify(execFile);

const command = (world: World, ...args: readonly string[]) =>
  inEnvironment({ ...world.environment, CONTRAIL_HOME: world.home.folder, NO_COLOR: '1' }, () =>
    execute(process.execPath, [contrail, ...args]),
  );

/** Resumes a run as a person does, and waits for its end. It may have completed, and have lost what it made since. */
export const resumeByCommand = async (world: World, run: string): Promise<void> =>
  void (await command(world, 'resume', run));

/** Looks for damage in the store that nobody made. @param damaged checkpoints that were spoilt, as `run/step/name` */
export async function problemsIn(world: World, damaged: ReadonlySet<string>): Promise<string[]> {
  const { problems } = await checkStore(world.store);
  const made = [...damaged].map((each) => {
    const [run, step, name] = each.split('/');
    return run === 'artifacts' ? each : `runs/${run}/steps/${step}/checkpoints/${name}`;
  });
  return problems.filter((problem) => !made.some((folder) => problem.includes(folder)));
}

/**
 * Collects garbage as a person would, some hours later, and looks for files that no manifest names and that nothing would ever remove. What
 * is staged goes when the next artifact is begun.
 *
 * @param damaged files that were spoilt on purpose: a collection removes nothing beside one that it cannot read
 */
export async function orphansAfterCollection(world: World, damaged: ReadonlySet<string>): Promise<string[]> {
  for (const path of damaged) if (path.startsWith('runs/') || path.startsWith('cache/')) await world.store.remove(path);
  world.disk.setClock(hoursMs);
  await command(world, 'cache', 'gc');
  world.disk.setClock(0);
  const { orphans } = await checkStore(world.store);
  const spoilt = [...damaged].map((path) => path.slice(0, path.lastIndexOf('/') + 1));
  return orphans
    .map(({ path }) => path)
    .filter((path) => !path.startsWith('staging/') && !spoilt.some((folder) => path.startsWith(folder)));
}

/** Processes that outlived their workers, and temporary files that nobody removed. */
export async function leftOn({ folder }: World): Promise<string[]> {
  const until = performance.now() + processesEndMs;
  while (processesOf(folder).length > 0 && performance.now() < until) await sleep(200);
  const processes = processesOf(folder).map((pid) => `process ${pid} still runs`);
  // That of tsx is of this process.
  const names = (await readdir(join(folder, 'tmp'))).filter((name) => !name.startsWith('tsx-'));
  const files = names.map((name) => `${name} is left in the temporary folder`);
  return [...processes, ...files];
}
