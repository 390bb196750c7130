import { times } from './counted.ts';
import { type EmbedImagesResult, embedImagesResult } from './kinds/embed-images.ts';
import { useModelResult } from './kinds/use-model.ts';
import type { StepStatus } from './status.ts';

/** What a person is told of embedded images, in a line. */
export const embeddedText = ({ images, rejected, ignored, labels }: EmbedImagesResult): string =>
  [
    times(images, 'image'),
    ...(rejected > 0 ? [`${times(rejected, 'file')} rejected`] : []),
    ...(ignored > 0 ? [`${ignored} left behind by programs`] : []),
    labels === 'none' ? 'without classes' : `classes by ${labels}`,
  ].join(', ');

/** What a step of embedding, or of taking a model, gave; empty for one of another kind. */
export function modelAtWorkText({ uses, result }: Pick<StepStatus, 'uses' | 'result'>): string {
  const embedded = uses === 'embed-images' ? embedImagesResult.safeParse(result) : null;
  if (embedded?.success) return embeddedText(embedded.data);
  const used = uses === 'use-model' ? useModelResult.safeParse(result) : null;
  if (!used?.success) return '';
  const { name, version } = used.data;
  return version === null ? name : `${name}, version ${version}`;
}
