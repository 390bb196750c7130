import { z } from 'zod';
import { type ArtifactRef, artifactRefSchema, digestSchema } from '../contracts/artifacts.ts';

/** Another version may say more of an artifact than this one. */
const anyRef = z.object(artifactRefSchema.shape);

/** Every reference to an artifact in a value. */
export function artifactsIn(value: unknown): ArtifactRef[] {
  if (typeof value !== 'object' || value === null) return [];
  const ref = anyRef.safeParse(value);
  const below = Object.values(value).flatMap(artifactsIn);
  return ref.success ? [ref.data, ...below] : below;
}

/**
 * The artifacts that one was made from, by its `about`. An encoder names its data set by the digest alone: without it nobody
 * knows which test images a model has seen.
 */
export function artifactsNamedBy(about: unknown): ArtifactRef[] {
  const byDigest = z.object({ dataset: digestSchema }).safeParse(about);
  return [
    ...artifactsIn(about),
    ...(byDigest.success ? [{ kind: 'dataset' as const, digest: byDigest.data.dataset }] : []),
  ];
}
