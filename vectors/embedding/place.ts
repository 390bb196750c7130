import sharp from 'sharp';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { digestOfJson, embeddedFolder } from '../../store/index.ts';

/** Raised when images are embedded, or drawn small, in another way, so that nothing of before is taken for the same. */
const version = 1;

/**
 * Where embeddings lie that may stand for each other: those of one encoder, of files that are brought to its form by the same
 * decoders, or of the images of one data set, whose form is its own.
 */
export const placeOf = (
  encoder: ArtifactRef,
  { dataset, pictures }: { readonly dataset: ArtifactRef | undefined; readonly pictures: boolean },
): string =>
  `${embeddedFolder}/${digestOfJson({ version, encoder, dataset: dataset ?? null, pictures, decoders: sharp.versions })}`;
