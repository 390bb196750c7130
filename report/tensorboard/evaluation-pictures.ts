import type { Evaluation } from '../../contracts/evaluation.ts';
import type { ImageRows } from '../../datasets/index.ts';
import { standalone } from '../plots/draw.ts';
import { drawConfusion } from '../plots/evaluation.ts';
import { toPng } from '../plots/png.ts';
import type { Picture } from './events.ts';
import { spriteOf } from './sprite.ts';

/** How many of the worst mistakes are shown. */
export const shownMistakes = 16;

/**
 * What TensorBoard shows of an evaluation under Images, by tag.
 *
 * @param mistakes the images of the first worst mistakes, up to `shownMistakes`
 */
export async function evaluationPictures(
  step: string,
  { classes, confusion, worst = [] }: Evaluation,
  mistakes: ImageRows,
): Promise<Record<string, Picture>> {
  const count = Math.min(worst.length, shownMistakes);
  return {
    'test/confusion matrix': await toPng(standalone(drawConfusion(step, classes, confusion).svg)),
    ...(count === 0 ? {} : { 'test/worst mistakes': await spriteOf(mistakes, count) }),
  };
}
