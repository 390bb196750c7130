import type { EncoderConfig } from '../../contracts/training.ts';
import { dataSchema, trainingConfigSchema } from '../../contracts/training.ts';
import { closeSession, openSession, type TrainingSession, trainToEndOfEpoch } from '../../training/session.ts';
import { withFolder } from '../folder.ts';
import { median } from '../statistics.ts';
import { describeEncoder, describeViews, pick, resnet50v2, smallResnet } from '../workloads.ts';
import { makePhotos, type Photos } from './photos.ts';

export interface ReadingStepRow {
  readonly encoder: string;
  readonly views: string;
  /** Milliseconds, medians of steps that take turns. */
  readonly resident: number;
  readonly streamed: number;
  readonly streamedToResident: number;
}

const workloads = [
  { encoder: smallResnet(16), batch: 16 },
  { encoder: resnet50v2(), batch: 8 },
];

/** A training step at 224 pixels, whose images are in memory, decoded once, or are read and decoded ahead of the step. */
export async function benchReadingSteps(turns: number, only: string): Promise<ReadingStepRow[]> {
  return withFolder(async (folder) => {
    const photos = await makePhotos(folder);
    const rows: ReadingStepRow[] = [];
    for (const { encoder, batch } of pick(workloads, only)) {
      const resident = await openStepper(photos, { encoder, batch, residentMiB: 4096 });
      const streamed = await openStepper(photos, { encoder, batch, residentMiB: 0 });
      try {
        const times = { resident: [] as number[], streamed: [] as number[] };
        for (let turn = 0; turn < turns; turn++) {
          times.resident.push(...(await resident.run(3)));
          times.streamed.push(...(await streamed.run(3)));
        }
        const [inMemory, read] = [median(times.resident), median(times.streamed)];
        rows.push({
          encoder: describeEncoder(encoder),
          views: describeViews(batch),
          resident: inMemory,
          streamed: read,
          streamedToResident: read / inMemory,
        });
      } finally {
        await resident.close();
        await streamed.close();
      }
    }
    return rows;
  });
}

async function openStepper(
  { store, dataset }: Photos,
  {
    encoder,
    batch,
    residentMiB,
  }: { readonly encoder: EncoderConfig; readonly batch: number; readonly residentMiB: number },
) {
  const config = trainingConfigSchema.parse({ encoder, batch });
  const session = await openSession(store, dataset, config, {
    data: dataSchema.parse({ residentMiB }),
    onCheck: () => {},
  });
  await stepTimes(session, 1);
  return { run: (steps: number) => stepTimes(session, steps), close: () => closeSession(session) };
}

/** Of so many steps, without the first, before which nothing was read in advance. */
async function stepTimes(session: TrainingSession, steps: number): Promise<number[]> {
  const ends: number[] = [];
  await trainToEndOfEpoch(session, async () => {
    ends.push(performance.now());
    return ends.length > steps;
  });
  return ends.slice(1).map((end, at) => end - (ends[at] ?? end));
}
