import { z } from 'zod';
import { times } from '../contracts/counted.ts';
import { countOfLeaks, leakKindsText } from '../contracts/leaks.ts';

const numberSchema = z.number().nullable().optional().catch(null);
const countSchema = z.int().nullable().catch(null);
const countsSchema = z.object({ copies: countSchema, nearLeaks: countSchema, embeddingLeaks: countSchema });

/** Of a measure, what it is called on all images and on those that do not leak. */
const measures: Readonly<Record<string, readonly [all: string, clean: string]>> = {
  top1: ['allTop1', 'cleanTop1'],
  recallAt1: ['allRecallAt1', 'cleanRecallAt1'],
};

/**
 * What a measure is with the images that leak, or without them where they are kept: ` (0.9300 with 5 leaks: 5 exact copies)`. Empty
 * where none leak, and for other measures.
 *
 * @param result of a step that evaluates or retrieves, of whichever version
 */
export function besideLeaks(result: Readonly<Record<string, unknown>>, name: string): string {
  const fields = measures[name];
  if (!fields) return '';
  const { copies: exact, nearLeaks: near, embeddingLeaks: embedding } = countsSchema.parse(result);
  const counts = { exact, near, embedding };
  const leaks = countOfLeaks(counts);
  const [own, ofAll, ofClean] = [name, ...fields].map((each) => numberSchema.parse(result[each]));
  if (leaks === 0 || ofClean === undefined) return '';
  // Earlier versions measured all images, and had no other name for that.
  const isLeftOut = ofAll !== undefined && own === ofClean;
  const other = isLeftOut ? ofAll : ofClean;
  const figure = typeof other === 'number' ? other.toFixed(4) : 'nothing is left';
  return ` (${figure} ${isLeftOut ? 'with' : 'without'} ${times(leaks, 'leak')}: ${leakKindsText(counts)})`;
}
