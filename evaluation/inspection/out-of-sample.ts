import { type Embedding, rowsOf } from '../embedding.ts';
import type { LinearClassifier } from '../linear-classifier.ts';
import { classifyInBlocks, fitSoftmaxClassifier } from '../softmax-classifier.ts';
import { foldsOf } from './folds.ts';
import type { Turn } from './turns.ts';

/** Of the folds' classifiers: enough to be good, and too little to learn wrong labels by heart. */
const probe = { learningRate: 0.002, weightDecay: 0.01 } as const;
/** Small sets are fitted in small batches: an epoch needs its steps. */
const batchFor = (images: number) => Math.max(16, Math.min(256, Math.floor(images / 16)));

/** Classifiers of which each did not see one fold. */
export interface FoldClassifiers {
  /** Images that are in a fold, ascending: all but those that are alone in their class. */
  readonly judged: Int32Array;
  /**
   * Gives the probabilities of the judged images, each by the classifier that did not see it, some at a time.
   *
   * @param use is given probabilities [images, classes] and which images they are of
   */
  readonly classify: (use: (probabilities: Float32Array, images: Int32Array) => void, turn: Turn) => Promise<void>;
}

/**
 * Fits a linear softmax classifier for each fold to the images of all others, on embeddings whose every number is brought to mean 0
 * and deviation 1.
 */
export async function fitFolds(
  embedding: Embedding,
  labels: Int32Array,
  {
    classes,
    folds,
    epochs,
    seed,
    turn,
  }: {
    readonly classes: number;
    readonly folds: number;
    readonly epochs: number;
    readonly seed: number;
    readonly turn: Turn;
  },
): Promise<FoldClassifiers> {
  const foldOf = foldsOf(labels, folds, seed);
  const standard = await standardised(embedding, () => turn(0, folds * epochs));
  const rowsWhere = (isIn: (fold: number) => boolean) =>
    Int32Array.from(foldOf.keys()).filter((row) => (foldOf[row] as number) >= 0 && isIn(foldOf[row] as number));
  const featuresAt = (rows: Int32Array) => {
    const { values, count, dimension } = rowsOf(standard, rows);
    return { features: values, labels: rows.map((row) => labels[row] as number), count, dimension };
  };
  const judged = rowsWhere(() => true);
  const classifiers: (LinearClassifier | null)[] = [];
  for (let fold = 0; fold < folds; fold++) {
    const others = rowsWhere((other) => other !== fold);
    if (others.length === 0 || others.length === judged.length) {
      classifiers.push(null);
      continue;
    }
    const report = (epoch: number) => turn(fold * epochs + epoch, folds * epochs);
    let epoch = 0;
    classifiers.push(
      await fitSoftmaxClassifier(featuresAt(others), {
        ...probe,
        batch: batchFor(others.length),
        classes,
        epochs,
        seed,
        onStep: () => report(epoch),
        onEpoch: async (done) => {
          epoch = done;
          await report(done);
        },
      }),
    );
  }
  return {
    judged,
    classify: async (use, turn) => {
      let done = 0;
      for (const [fold, classifier] of classifiers.entries()) {
        if (!classifier) continue;
        const rows = rowsWhere((own) => own === fold);
        for (let start = 0; start < rows.length; start += classifiedAtOnce) {
          const part = rows.subarray(start, start + classifiedAtOnce);
          classifyInBlocks(classifier, featuresAt(part), (probabilities, from, count) =>
            use(probabilities, part.subarray(from, from + count)),
          );
          done += part.length;
          await turn(done, judged.length);
        }
      }
    },
  };
}

const classifiedAtOnce = 512;

/** Rows before other work may have its turn. */
const rowsAtOnce = 1000;

/** Every number of an embedding less its mean, by its deviation; what is the same everywhere becomes 0. */
async function standardised({ values, count, dimension }: Embedding, turn: () => Promise<void>): Promise<Embedding> {
  const eachRow = async (use: (start: number) => void) => {
    for (let row = 0; row < count; row++) {
      use(row * dimension);
      if (row % rowsAtOnce === 0) await turn();
    }
  };
  const [means, squares] = [new Float64Array(dimension), new Float64Array(dimension)];
  await eachRow((start) => {
    for (let column = 0; column < dimension; column++) {
      const value = values[start + column] as number;
      means[column] = (means[column] as number) + value / count;
      squares[column] = (squares[column] as number) + value ** 2 / count;
    }
  });
  const scales = means.map((mean, column) => {
    const deviation = Math.sqrt(Math.max(0, (squares[column] as number) - mean ** 2));
    return deviation > 1e-6 * Math.abs(mean) && deviation > 0 ? 1 / deviation : 0;
  });
  const standard = new Float32Array(values.length);
  await eachRow((start) => {
    for (let column = 0; column < dimension; column++)
      standard[start + column] =
        ((values[start + column] as number) - (means[column] as number)) * (scales[column] as number);
  });
  return { values: standard, count, dimension };
}
