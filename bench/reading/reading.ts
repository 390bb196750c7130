import { openSplit } from '../../datasets/index.ts';
import { withFolder } from '../folder.ts';
import { median } from '../statistics.ts';
import { openDataLoader, openTfData, type Reader, type ReadingTime } from './peers.ts';
import { makePhotos, type Photos } from './photos.ts';

export interface ReadingRow {
  readonly reader: string;
  readonly threads: number;
  /** Medians over turns. */
  readonly imagesPerSecond: number;
  readonly cpuMillisecondsPerImage: number;
  /** How many times as many images we read a second. */
  readonly oursToIt: number;
  /** Cores that feed 2,000 images a second. */
  readonly coresFor2000: number;
}

const batch = 32;
const batchesInATurn = 12;

/**
 * Reading alone: JPEG files of 256x256, which a data set of `size: 224` keeps, decoded into batches of 32. The peers read the very
 * same files, each by itself in a folder. Nobody crops: ours is in the graph, theirs costs little beside decoding.
 */
export async function benchReading(
  { keras, pytorch }: { readonly keras: string; readonly pytorch: string },
  turns: number,
): Promise<ReadingRow[]> {
  return withFolder(async (folder) => {
    const photos = await makePhotos(folder);
    const rows: ReadingRow[] = [];
    for (const threads of [1, 2]) {
      const workload = { files: photos.files, batch, threads };
      const readers = [
        await openOurs(photos, threads),
        await openTfData(keras, workload),
        await openDataLoader(pytorch, 'torchvision', workload),
        await openDataLoader(pytorch, 'Pillow', workload),
      ];
      try {
        rows.push(...(await takeTurns(readers, threads, turns)));
      } finally {
        for (const { close } of readers) await close();
      }
    }
    return rows;
  });
}

async function takeTurns(readers: readonly Reader[], threads: number, turns: number): Promise<ReadingRow[]> {
  const times = readers.map((): ReadingTime[] => []);
  // The first turn opens files and fills what is read in advance: it is not counted.
  for (let turn = 0; turn <= turns; turn++)
    for (const [at, { read }] of readers.entries()) {
      const time = await read(batchesInATurn);
      if (turn > 0) times[at]?.push(time);
    }
  const images = batch * batchesInATurn;
  const perSecond = times.map((own) => images / median(own.map(({ seconds }) => seconds)));
  return readers.map(({ name }, at) => {
    const cpu = median((times[at] ?? []).map(({ cpuSeconds }) => cpuSeconds)) / images;
    return {
      reader: name,
      threads,
      imagesPerSecond: perSecond[at] ?? 0,
      cpuMillisecondsPerImage: 1000 * cpu,
      oursToIt: (perSecond[0] ?? 0) / (perSecond[at] ?? 1),
      coresFor2000: 2000 * cpu,
    };
  });
}

/** The batches that a training reads, two ahead as there. */
async function openOurs({ store, dataset }: Photos, threads: number): Promise<Reader> {
  const split = await openSplit(store, dataset, 'train', undefined, { as: 'stored', threads });
  const size = split.height * split.width * split.channels;
  const ring = [0, 1, 2].map(() => new Uint8Array(batch * size));
  let started = 0;
  const start = () => {
    const number = started++;
    const rows = Int32Array.from({ length: batch }, (_, at) => (number * batch + at) % split.count);
    return split.read(rows, ring[number % 3] as Uint8Array, new Int32Array(batch));
  };
  const ahead = [start(), start()];
  return {
    name: 'ours',
    read: async (batches) => {
      const [usage, begun] = [process.cpuUsage(), performance.now()];
      for (let number = 0; number < batches; number++) {
        ahead.push(start());
        await ahead.shift();
      }
      const { user, system } = process.cpuUsage(usage);
      return { seconds: (performance.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 };
    },
    close: async () => {
      await Promise.all(ahead);
      await split.close();
    },
  };
}
