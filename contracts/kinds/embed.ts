import { z } from 'zod';
import { splitNames } from '../artifacts.ts';
import { artifactOf, hasTest, type StepKind } from './kind.ts';

export const embedParameters = z.strictObject({
  splits: z
    .array(z.enum(splitNames))
    .min(1)
    .refine((names) => new Set(names).size === names.length, 'must name each split once')
    .optional()
    .describe('which splits; absent: all that have images'),
});

export const embedResult = z.strictObject({
  embeddings: artifactOf('embeddings'),
  images: z.int().describe('how many were embedded'),
  dimension: z.int().describe('length of an embedding'),
});

export const embed = {
  description: 'Compute the embeddings of a data set once, for steps that learn on them',
  version: 1,
  parameters: embedParameters,
  result: embedResult,
  inputs: { encoder: 'encoder', dataset: 'dataset' },
  outputs: { embeddings: 'embeddings' },
  seesTest: { when: ({ splits }) => hasTest(splits), instead: 'name its splits: [train, validation]' },
  runs: 'job',
  queue: 'gpu',
} as const satisfies StepKind;
