import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkStore } from '../../store/index.ts';
import { runCommand } from '../e2e/command.ts';
import { processesOf } from './processes.ts';
import type { World } from './world.ts';

/** What killed processes left counts as left over after an hour. */
const hoursMs = 3 * 3_600_000;
const processesEndMs = 20_000;

/** @throws Error with what it said when it fails */
async function command({ home, environment }: World, ...args: readonly string[]): Promise<void> {
  const { code, stderr } = await runCommand(home, args, environment);
  if (code !== 0) throw new Error(`contrail ${args.join(' ')} ended with ${code}: ${stderr}`);
}

/** Resumes a run as a person does, and waits for its end. It may have completed, and have lost what it made since. */
export const resumeByCommand = (world: World, run: string): Promise<void> => command(world, 'resume', run);

/** Looks for damage in the store that nobody made. @param damaged paths of files that were spoilt */
export async function problemsIn(world: World, damaged: ReadonlySet<string>): Promise<string[]> {
  const { problems } = await checkStore(world.store);
  // Of a checkpoint its folder is named.
  const made = [...damaged].map((path) => (path.includes('/checkpoints/') ? dirname(path) : path));
  return problems.filter((problem) => !made.some((path) => problem.includes(path)));
}

/**
 * Collects garbage as a person would, some hours later, and looks for files that no manifest names and that nothing would ever remove. What
 * is staged goes when the next artifact is begun.
 *
 * @param damaged files that were spoilt on purpose: a collection removes nothing beside a result or an entry that it cannot read
 */
export async function orphansAfterCollection(world: World, damaged: ReadonlySet<string>): Promise<string[]> {
  for (const path of damaged)
    if (path.endsWith('/result.json') || path.startsWith('cache/')) await world.store.remove(path);
  world.disk.setClock(hoursMs);
  await command(world, 'cache', 'gc');
  world.disk.setClock(0);
  const { orphans } = await checkStore(world.store);
  const spoilt = [...damaged].map((path) => `${dirname(path)}/`);
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
