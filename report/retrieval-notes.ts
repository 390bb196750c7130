import { times } from '../contracts/counted.ts';
import type { Retrieval } from '../contracts/retrieval.ts';
import { percent } from './format.ts';

/** What a reader must know to read the numbers of a search: what was left out, and why. Plain sentences. */
export function retrievalNotes({ lone, images, queries, copies, galleryImages = images }: Retrieval): string[] {
  // Results of version 1 say nothing of copies, so that all that is no query is alone.
  const alone = lone ?? images - queries;
  return [
    `${times(queries, 'query', 'queries')} of ${times(images, 'image')}; ${times(galleryImages, 'image')} in the gallery.`,
    ...(alone === 0
      ? []
      : [`Left out, for there is no other of their class in the gallery: ${times(alone, 'image')}.`]),
    ...(copies === null
      ? []
      : copies.images === 0
        ? ['No query is an exact copy of another image of the gallery, or of a training image.']
        : [
            `Left out, for they find an exact copy: ${times(copies.images, 'query', 'queries')} (${copies.inGallery} of another image of the gallery, ${copies.ofTraining} of a training image). With them recall at 1 is ${copies.with.recallAt1 === null ? 'not measured' : percent(copies.with.recallAt1)}, on ${times(copies.with.queries, 'query', 'queries')}.`,
          ]),
  ];
}
