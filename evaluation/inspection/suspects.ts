import { type Confusion, sumOfCells } from '../../contracts/confusion.ts';
import { type ConfidentJoint, confidenceThresholds, confidentJoint } from './confident-learning.ts';
import type { FoldClassifiers } from './out-of-sample.ts';
import type { Turn } from './turns.ts';

/** What classifiers that did not see an image say of its label, of all images. */
export interface Judgement extends ConfidentJoint {
  /** Share of the judged images whose label is found; null where none was judged. */
  readonly accuracy: number | null;
  /** Images by label and the class that is found. */
  readonly confused: Confusion;
}

/** Judges every label by confident learning. The probabilities are computed twice, so that none are kept. */
export async function judgeLabels(
  { judged, classify }: FoldClassifiers,
  labels: Int32Array,
  classes: number,
  turn: Turn,
): Promise<Judgement> {
  const ownConfidence = new Float64Array(labels.length);
  const cells: [number, number, number][] = [];
  let right = 0;
  await classify((probabilities, images) => {
    for (const [at, image] of images.entries()) {
      const own = probabilities.subarray(at * classes, (at + 1) * classes);
      const label = labels[image] as number;
      ownConfidence[image] = own[label] as number;
      const predicted = highest(own);
      if (predicted === label) right++;
      cells.push([label, predicted, 1]);
    }
  }, turn);
  const labelsOf = (images: Int32Array) => images.map((image) => labels[image] as number);
  const thresholds = confidenceThresholds(
    labelsOf(judged),
    Float64Array.from(judged, (image) => ownConfidence[image] as number),
    classes,
  );
  const joint = confidentJoint(thresholds);
  await classify((probabilities, images) => joint.add(probabilities, labelsOf(images), images), turn);
  return {
    ...joint.result(),
    accuracy: judged.length === 0 ? null : right / judged.length,
    confused: sumOfCells(classes, cells),
  };
}

function highest(values: Float32Array): number {
  let best = 0;
  for (let at = 1; at < values.length; at++) if ((values[at] as number) > (values[best] as number)) best = at;
  return best;
}
