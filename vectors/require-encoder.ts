import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { IndexAbout } from '../contracts/vector-index.ts';

/**
 * Vectors of two encoders have nothing to do with each other, whatever their length.
 *
 * @param what as in "the model shirts", of whose encoder the queries or vectors are
 * @throws ContrailError InvalidInput
 */
export function requireEncoder({ encoder }: Pick<IndexAbout, 'encoder'>, of: ArtifactRef, what: string): void {
  if (encoder.digest === of.digest) return;
  throw new ContrailError(
    'InvalidInput',
    `The index holds vectors of the encoder ${encoder.digest.slice(0, 12)}, but ${what} has the encoder ${of.digest.slice(0, 12)}. Embed the images with that one, and build another index.`,
  );
}
