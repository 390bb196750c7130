import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { trainersOf } from '../../../bench/trainer-processes.ts';
import { openCheckpoints } from '../../../store/index.ts';
import { send } from '../processes.ts';
import type { Fault, Strike } from './fault.ts';

type Damage = (file: string, strike: Strike) => Promise<void>;

const flipBit: Damage = async (file, { draw }) => {
  const bytes = await readFile(file);
  const at = draw.below('byte', bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << draw.below('bit', 8));
  await writeFile(file, bytes);
};
const cutShort: Damage = async (file, { draw }) => {
  const { length } = await readFile(file);
  await truncate(file, draw.below('length', length));
};
const remove: Damage = (file) => rm(file);

/** Whoever has a file open, or has read it, would not see what became of it. */
const killTrainers = (run: string) => trainersOf(run).filter((pid) => send(pid, 'SIGKILL')).length;

/** Damages the newest checkpoint of a training, and kills the trainer, which then looks for one to go on from. */
const inNewestCheckpoint = (file: 'state.safetensors' | 'manifest.json', damage: Damage) => async (strike: Strike) => {
  const { world, run, trainings, draw, damaged } = strike;
  const step = draw.oneOf('training', trainings);
  const newest = (await openCheckpoints(world.store, { run, step }).list()).at(-1);
  if (!newest) return null;
  const path = `runs/${run}/steps/${step}/checkpoints/${newest.name}/${file}`;
  damaged.add(path);
  killTrainers(run);
  try {
    await damage(world.store.locate(path), strike);
  } catch {
    // The checkpoint was removed meanwhile.
    return null;
  }
  return `${newest.name} of ${step}`;
};

/** Damages one file of those below a folder of the store. */
const inFolder =
  (folder: (strike: Strike) => string, wanted: RegExp, damage: Damage) =>
  async (strike: Strike): Promise<string | null> => {
    const { world, run, draw, damaged } = strike;
    const files = (await world.store.list(folder(strike))).filter(({ path }) => wanted.test(path));
    if (files.length === 0) return null;
    const { path } = draw.oneOf('file', files);
    killTrainers(run);
    try {
      await damage(world.store.locate(path), strike);
    } catch {
      // It was removed meanwhile.
      return null;
    }
    damaged.add(path);
    return path;
  };

const artifacts = () => 'artifacts';
const results = ({ run }: Strike) => `runs/${run}/steps`;

/** What becomes of files that nobody writes to. */
export const storeFaults: readonly Fault[] = (
  [
    ['newest checkpoint: a bit is another', 4, inNewestCheckpoint('state.safetensors', flipBit)],
    ['newest checkpoint: cut short', 4, inNewestCheckpoint('state.safetensors', cutShort)],
    ['newest checkpoint: its state is gone', 2, inNewestCheckpoint('state.safetensors', remove)],
    ['newest checkpoint: its manifest is gone', 2, inNewestCheckpoint('manifest.json', remove)],
    ['newest checkpoint: a bit of its manifest is another', 2, inNewestCheckpoint('manifest.json', flipBit)],
    ['artifact: a bit is another', 3, inFolder(artifacts, /\.safetensors$/, flipBit)],
    ['artifact: cut short', 2, inFolder(artifacts, /\.safetensors$/, cutShort)],
    ['artifact: its manifest is gone', 2, inFolder(artifacts, /manifest\.json$/, remove)],
    ['result of a step: cut short', 2, inFolder(results, /\/result\.json$/, cutShort)],
    ['cache: an entry is gone', 1, inFolder(() => 'cache', /./, remove)],
    ['cache: an entry is cut short', 1, inFolder(() => 'cache', /./, cutShort)],
  ] as const
).map(([name, weight, strike]) => ({
  name: `store: ${name}`,
  weight,
  needs: name.startsWith('newest') ? (['folder', 'training'] as const) : (['folder'] as const),
  strike,
}));
