import { z } from 'zod';
import { artifactRefSchema } from './artifacts.ts';
import { canonicalJson, isMapping, type Json } from './json.ts';

/**
 * What may change under a training that has checkpoints.
 *
 * `always`: it decides no number. `end`: it decides when the training ends, and no epoch before. `next`: it decides the numbers
 * of every epoch from the next on, so it wants consent. `never`: the checkpoints would be those of another network.
 */
export type ChangeRule = 'always' | 'end' | 'next' | 'never';

/** By the beginning of a parameter's path; the longest that fits holds. */
export const changeRules = {
  checkpoint: ['always', 'it decides what is kept'],
  data: ['always', 'it decides where images wait, not what they are'],
  replicas: ['always', 'it decides where the parts of a batch are computed, not what they are'],
  health: ['always', 'it decides what is done about the training'],
  stop: ['always', 'it decides when to stop'],
  epochs: ['end', 'the schedule does not look at the length of the training'],
  optimizer: ['next', 'the epochs before it were trained with another one'],
  schedule: ['next', 'the epochs before it had other learning rates'],
  augmentation: ['next', 'the epochs before it saw other views'],
  batch: ['next', 'the epochs before it took other steps'],
  microbatch: ['next', 'sums are rounded differently'],
  syncBatchNorm: ['next', 'the epochs before it normalised each part by itself'],
  minimumSteps: ['next', 'the epochs before it had another length'],
  sampler: ['next', 'the epochs before it drew other batches'],
  freeze: ['next', 'the epochs before it trained other weights'],
  layerDecay: ['next', 'the epochs before it had other learning rates'],
  dropPath: ['next', 'the epochs before it trained a network of another depth'],
  ema: ['next', 'the average begins with the weights of that epoch'],
  clip: ['next', 'the epochs before it took other steps'],
  multiCrop: ['next', 'the epochs before it saw other views'],
  views: ['next', 'the epochs before it saw another number of views'],
  loss: ['next', 'the epochs before it minimised something else'],
  precision: ['next', 'numbers are rounded differently'],
  normalise: ['next', 'the epochs before it saw other values'],
  engine: ['next', 'numbers are rounded differently'],
  seed: ['next', 'the epochs before it drew other numbers'],
  dataset: ['next', 'the epochs before it saw other images'],
  encoder: ['never', 'the checkpoints hold another encoder'],
  projection: ['never', 'the checkpoints hold another projection head'],
  initialWeights: ['never', 'the training has begun already'],
} as const satisfies Record<string, readonly [ChangeRule, string]>;

/** A value of a training that is not what it was. `path` is that of the parameter, or `dataset`. */
export interface Difference {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

type Values = { readonly [key: string]: Json };

/** What the table says of a parameter under these parameters. */
export function changeRule(path: string, parameters: Values): { readonly rule: ChangeRule; readonly reason: string } {
  const [head = ''] = path.split('.');
  const row = Object.hasOwn(changeRules, head) ? changeRules[head as keyof typeof changeRules] : undefined;
  const [rule, reason] = row ?? ['never', 'no rule says that it may'];
  if (rule !== 'end') return { rule, reason };
  const { schedule } = parameters;
  const name = isMapping(schedule) ? schedule.name : schedule;
  return name === undefined || name === 'constant'
    ? { rule, reason }
    : { rule: 'next', reason: `the learning rates of the ${String(name)} schedule follow from the number of epochs` };
}

/** The values that differ, by path; what is absent is null. */
export function differencesOf(before: Json | undefined, after: Json | undefined, path = ''): Difference[] {
  if (isMapping(before) && isMapping(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differencesOf(before[key], after[key], path === '' ? key : `${path}.${key}`));
  }
  const [from, to] = [before ?? null, after ?? null];
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ path, from, to }];
}

export const describeDifference = ({ path, from, to }: Difference): string =>
  `${path}: ${from === null ? 'absent' : JSON.stringify(from)} → ${to === null ? 'absent' : JSON.stringify(to)}`;

/**
 * A change under a training, from the epoch after `after` on.
 *
 * `by`: `resume` and `fork` are in the plan as well; `health` and `set` happened while it ran and are in no plan.
 */
export const trainingChangeSchema = z.strictObject({
  after: z.int().nonnegative(),
  path: z.string(),
  from: z.json(),
  to: z.json(),
  by: z.enum(['resume', 'fork', 'health', 'set']),
  why: z.string(),
});
export type TrainingChange = z.infer<typeof trainingChangeSchema>;

/** `runs/<run>/steps/<step>/changes.json` */
export const trainingChangesSchema = z.array(trainingChangeSchema).max(10_000);

/** The value at a path; null where there is none. */
export const valueAt = (values: Values, path: string): Json =>
  path.split('.').reduce<Json>((so, key) => (isMapping(so) ? (so[key] ?? null) : null), values as Json);

/** The same values with another at a path; null takes it out. */
export function withValueAt(values: Values, path: string, value: Json): Values {
  const [head = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    const { [head]: _, ...others } = values;
    return value === null ? others : { ...values, [head]: value };
  }
  const inner = values[head];
  return { ...values, [head]: withValueAt(isMapping(inner) ? inner : {}, rest.join('.'), value) as Json };
}

/** The parameters of a plan with what changed while the training ran, unless the plan says something else by now. */
export function effectiveParameters(parameters: Values, changes: readonly TrainingChange[]): Values {
  let values = parameters;
  for (const { path, from, to, by } of changes)
    if ((by === 'health' || by === 'set') && canonicalJson(valueAt(values, path)) === canonicalJson(from))
      values = withValueAt(values, path, to);
  return values;
}

/** Epochs, up to the one named, that were trained with another config than the present one. */
export const segmentSchema = z.strictObject({
  through: z.int().positive(),
  dataset: artifactRefSchema,
  config: z.record(z.string(), z.json()),
});
export type Segment = z.infer<typeof segmentSchema>;

/**
 * The configs of earlier epochs, the earliest first, from the present one and what changed.
 *
 * @param config the present one, without what decides no number, with the digest of the data under `dataset`
 */
export function segmentsOf(config: Values, changes: readonly TrainingChange[]): Segment[] {
  const segments: Segment[] = [];
  let values = config;
  for (const { after, path, from, to } of changes.toReversed()) {
    if (changeRule(path, values).rule === 'always') continue;
    if (canonicalJson(valueAt(values, path)) !== canonicalJson(to)) continue;
    values = withValueAt(values, path, from);
    if (after === 0) continue;
    const { dataset, ...rest } = values;
    const segment = { through: after, dataset: { kind: 'dataset', digest: String(dataset) }, config: rest } as const;
    if (segments[0]?.through === after) segments[0] = segment;
    else segments.unshift(segment);
  }
  return segments;
}
