import type { EpochMetrics } from '../../contracts/checkpoints.ts';
import type { Json } from '../../contracts/json.ts';
import type { SampleViewsResult } from '../../contracts/trainer.ts';
import type { Content } from '../../store/index.ts';
import { encodeEventFile, type HyperparameterValue, pictures, scalars, sessionEnd, sessionStart } from './events.ts';
import { spriteOf } from './sprite.ts';

/** A file in the folder that TensorBoard shows as one run. */
export interface BoardFile {
  readonly name: string;
  readonly content: Content;
}

/** TensorBoard reads the files of a folder in the order of their names, and none twice. */
export const eventFileName = (order: number, what: string) =>
  `events.out.tfevents.${String(order).padStart(10, '0')}.contrail.${what}`;

/** The settings of a training, for the HParams tab. */
export const settingsFile = (wallTime: number, parameters: Readonly<Record<string, Json>>): BoardFile => ({
  name: eventFileName(0, 'begin'),
  content: encodeEventFile(wallTime, [sessionStart(wallTime, flatSettings(parameters))]),
});

/** What training sees: images in a row, and below each its views. */
export async function viewsFile(
  wallTime: number,
  { images, views, pixels, ...size }: SampleViewsResult,
): Promise<BoardFile> {
  const sheet = await spriteOf({ pixels: Buffer.from(pixels, 'base64'), ...size }, (1 + views) * images, images);
  return {
    name: eventFileName(0, 'views'),
    content: encodeEventFile(wallTime, [pictures({ wallTime, step: 0 }, { 'training/images and their views': sheet })]),
  };
}

/** What an epoch gave. Only its own numbers are in it, so an epoch that is trained again writes the same file. */
export function epochFile(wallTime: number, epoch: number, metrics: EpochMetrics): BoardFile {
  const { loss, learningRate, imagesPerSecond, seconds, collapsedLoss } = metrics;
  const values = {
    loss,
    'learning rate': learningRate,
    'images per second': imagesPerSecond,
    'seconds per epoch': seconds,
    ...(collapsedLoss === undefined ? {} : { 'loss if collapsed': collapsedLoss }),
  };
  return {
    name: eventFileName(epoch, 'epoch'),
    content: encodeEventFile(wallTime, [scalars({ wallTime, step: epoch }, values)]),
  };
}

/** That a training ended well after an epoch. Its name comes after that of the epoch, and before that of a later one. */
export const endFile = (wallTime: number, epoch: number): BoardFile => ({
  name: eventFileName(epoch, 'finish'),
  content: encodeEventFile(wallTime, [sessionEnd(wallTime)]),
});

/** Settings by their path, such as `optimizer.learningRate`; where they are kept and what checkpoints are left is no setting. */
function flatSettings(parameters: Readonly<Record<string, Json>>, prefix = ''): Record<string, HyperparameterValue> {
  const found = Object.entries(parameters).flatMap(([key, value]): [string, HyperparameterValue][] => {
    if (prefix === '' && notSettings.has(key)) return [];
    if (value === null) return [];
    if (Array.isArray(value)) return [[prefix + key, value.map((each) => JSON.stringify(each)).join(' ')]];
    if (typeof value === 'object')
      return Object.entries(flatSettings(value as Readonly<Record<string, Json>>, `${prefix}${key}.`));
    return [[prefix + key, value as HyperparameterValue]];
  });
  return Object.fromEntries(found);
}

const notSettings = new Set(['checkpoint', 'data', 'health', 'stop']);
