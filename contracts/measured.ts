import type { z } from 'zod';
import { outliersFile, outliersSchema } from './outliers.ts';
import { retrievalFile, retrievalSchema } from './retrieval.ts';
import { robustnessFile, robustnessSchema } from './robustness.ts';

/** Artifacts that hold what a step measured on a model: their file, and what is in it. A report shows each of them in a section. */
export const measuredArtifacts = {
  robustness: { file: robustnessFile, schema: robustnessSchema },
  outliers: { file: outliersFile, schema: outliersSchema },
  retrieval: { file: retrievalFile, schema: retrievalSchema },
} as const;

export type MeasuredKind = keyof typeof measuredArtifacts;
export type Measured<K extends MeasuredKind> = z.infer<(typeof measuredArtifacts)[K]['schema']>;
export const measuredKinds = Object.keys(measuredArtifacts) as readonly MeasuredKind[];
export const isMeasured = (kind: string): kind is MeasuredKind => Object.hasOwn(measuredArtifacts, kind);
