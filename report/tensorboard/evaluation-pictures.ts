import type { Evaluation } from '../../contracts/evaluation.ts';
import type { ImageRows } from '../../datasets/index.ts';
import { standalone } from '../plots/draw.ts';
import { drawConfusion } from '../plots/evaluation.ts';
import { type Picture, toPng } from '../plots/png.ts';
import { spriteOf } from './sprite.ts';

/** Rows of the test split whose images are shown: the worst mistakes, up to 16. */
export const mistakeRows = ({ worst = [] }: Evaluation): Int32Array =>
  Int32Array.from(worst.slice(0, 16), ({ row }) => row);

/**
 * What TensorBoard shows of an evaluation under Images, by tag.
 *
 * @param mistakes the images of `mistakeRows`
 */
export async function evaluationPictures(
  step: string,
  evaluation: Evaluation,
  mistakes: ImageRows,
): Promise<Record<string, Picture>> {
  const { classes, confusion } = evaluation;
  const count = mistakeRows(evaluation).length;
  return {
    'test/confusion matrix': await toPng(standalone(drawConfusion(step, classes, confusion).svg)),
    ...(count === 0 ? {} : { 'test/worst mistakes': await spriteOf(mistakes, count) }),
  };
}
