import { z } from 'zod';
import { indexMethodSchema, indexSettings } from '../vector-index.ts';
import { artifactOf, type StepKind } from './kind.ts';

const { method, minimumRecall, quantization, connectivity, expansionAdd, seed } = indexSettings;

/** Absent ones are as `indexSettings` has them; where an index is added to, as that was built. */
export const buildIndexParameters = z.strictObject({
  method: method.unwrap().optional(),
  minimumRecall: minimumRecall.unwrap().optional(),
  quantization: quantization.unwrap().optional(),
  connectivity: connectivity.unwrap().optional(),
  expansionAdd: expansionAdd.unwrap().optional(),
  seed: seed.unwrap().optional(),
  threads: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('threads that build a graph, 1 where absent; with more than one its bytes differ from build to build'),
});

export const buildIndexResult = z.strictObject({
  index: artifactOf('index').describe('what look-alikes are searched in'),
  count: z.int().describe('images in it'),
  method: indexMethodSchema.describe('how it is searched'),
  recall: z.number().describe('share of the 10 nearest that a search finds, on queries that were drawn; 1 for exact'),
  added: z.int().describe('images that are new in it'),
  replaced: z.int().describe('images that took the place of others of their name'),
  unchanged: z.int().describe('images that the index which was added to had already'),
});

export const buildIndex = {
  description:
    'Make an index of embedded images, in which look-alikes are searched; or, with `index`, add them to one without building it anew',
  version: 1,
  parameters: buildIndexParameters,
  result: buildIndexResult,
  inputs: { vectors: 'vectors', index: 'index' },
  optional: ['index'],
  outputs: { index: 'index' },
  runs: 'activity',
  queue: 'cpu',
} as const satisfies StepKind;
