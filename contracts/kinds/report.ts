import { z } from 'zod';
import { seedSchema } from '../seed.ts';
import type { StepKind } from './kind.ts';

export const reportParameters = z.strictObject({
  title: z.string().min(1).max(200).optional().describe('of the page; the name of the pipeline where absent'),
  seed: seedSchema.describe('of the map of the embedding'),
});

export const reportResult = z.strictObject({
  page: z.string().describe('where the page is in the store'),
  files: z.int().describe('how many were written'),
  top1: z.number().nullable().describe('accuracy of the arm with the best mean; null where nothing was measured'),
  knn: z.number().nullable().describe('of the same arm'),
  restarts: z.int().describe('that the trainings lived through'),
});

export const report = {
  description: 'Write a page with all that is known about the run: curves, classes, mistakes, embedding, comparisons',
  version: 1,
  parameters: reportParameters,
  result: reportResult,
  inputs: {},
  outputs: {},
  runs: 'activity',
  queue: 'cpu',
  effect: true,
} as const satisfies StepKind;
