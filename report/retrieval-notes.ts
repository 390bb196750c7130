import { times } from '../contracts/counted.ts';
import type { LeakCounts } from '../contracts/leaks.ts';
import type { Retrieval } from '../contracts/retrieval.ts';
import { whyNoQueries } from '../contracts/retrieval-text.ts';
import { ifMeasured, percent } from './format.ts';
import { leaksNote } from './leaks-note.ts';

/** What a reader must know to read the numbers of a search: what was left out, and why. Plain sentences. */
export function retrievalNotes(found: Retrieval): string[] {
  const { lone, images, queries, copies, galleryImages = images } = found;
  // Results of version 1 say nothing of copies, so that all that is no query is alone.
  const alone = lone ?? images - queries;
  return [
    ...(queries === 0 ? [`Nothing was measured, for no query is left: ${whyNoQueries(alone, leftOutOf(found))}.`] : []),
    `${times(queries, 'query', 'queries')} of ${times(images, 'image')}; ${times(galleryImages, 'image')} in the gallery.`,
    ...(alone === 0
      ? []
      : [`Left out, for there is no other of their class in the gallery: ${times(alone, 'image')}.`]),
    ...notesOfLeaks(found),
    ...(copies === null || copies.images > 0
      ? []
      : ['No query is an exact copy of another image of the gallery, or of a training image.']),
  ];
}

/** The queries that were left out because they leak. */
function leftOutOf({ leaks, copies }: Retrieval): LeakCounts | null {
  if (leaks) return leaks.policy === 'keep' ? null : leaks;
  return copies && { exact: copies.images, near: null, embedding: null };
}

/** From where on an image is called unknown. @param shareText as the page, or the file, writes shares */
export const unknownRule = (
  { threshold, wanted }: NonNullable<Retrieval['unknown']>,
  shareText: (share: number) => string,
): string =>
  threshold === null
    ? 'There are no validation images to choose a threshold on.'
    : `An image is called unknown where its nearest training image has a cosine similarity below ${threshold.toFixed(4)}: validation images chose it, so that at most ${shareText(wanted)} of those of trained classes are.`;

/** Which queries leak, and what is measured with and without them. */
function notesOfLeaks({ leaks, all, clean, copies }: Retrieval): string[] {
  const copied = copies
    ? `${copies.inGallery} of another image of the gallery, ${copies.ofTraining} of a training image`
    : '';
  if (leaks && all && clean) {
    const notes = leaksNote(leaks, {
      one: 'query',
      many: 'queries',
      of: 'training images or exact copies in the gallery',
      measure: 'recall at 1',
      all: { images: all.queries, value: all.recallAt1 },
      clean: { images: clean.queries, value: clean.recallAt1 },
    });
    return copies && copies.images > 0 ? [...notes, `Of the exact copies: ${copied}.`] : notes;
  }
  // Results of version 2.
  if (!copies?.with || copies.images === 0) return [];
  const { recallAt1, queries } = copies.with;
  return [
    `Left out, for they find an exact copy: ${times(copies.images, 'query', 'queries')} (${copied}). With them recall at 1 is ${ifMeasured(recallAt1, percent)}, on ${times(queries, 'query', 'queries')}.`,
  ];
}
