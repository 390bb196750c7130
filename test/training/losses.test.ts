import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LossConfig, lossNames, lossSchema, namedLoss } from '../../contracts/losses.ts';
import { createProjectionLoss } from '../../training/losses/projection-loss.ts';
import { type Tensor1D, type Tensor2D, tf, type Variable } from '../../training/tensorflow.ts';
import { matrixSchema, readGolden, valueAndGradients } from './golden-losses.ts';

const caseSchema = z.object({
  name: z.string(),
  loss: lossSchema,
  input: matrixSchema,
  labels: z.array(z.union([z.int(), z.array(z.int())])),
  value: z.number(),
  gradient: matrixSchema,
  vectors: matrixSchema.optional(),
  vectorsGradient: matrixSchema.optional(),
});
type Case = z.infer<typeof caseSchema>;
const golden = (name: string) => readGolden(name, z.object({ cases: z.array(caseSchema) })).cases;
/** By pytorch-metric-learning, by definition, and by TensorFlow; all in float64. */
const cases = [...golden('losses'), ...golden('n-pairs')];

/** The value of a loss, and its gradients for the rows and for class vectors. */
function evaluate({
  loss,
  input,
  labels,
  vectors,
}: Pick<Case, 'loss' | 'input' | 'labels'> & { vectors?: number[][] | undefined }) {
  return tf.tidy(() => {
    const of = createProjectionLoss(loss, {
      dimension: input[0]?.length ?? 0,
      classes: vectors?.length ?? 0,
      labelColumns: 2,
    });
    const given = tf.tensor(labels as number[], undefined, 'int32') as Tensor1D | Tensor2D;
    const [name] = of.parameters.map((each) => each.name);
    const { value, gradients } = valueAndGradients(
      (projections, learned) => {
        const variables = new Map(name !== undefined && learned ? [[name, learned as unknown as Variable]] : []);
        return of.value(projections as Tensor2D, given, variables);
      },
      [input, ...(vectors && name !== undefined ? [vectors] : [])],
    );
    const [ofRows = [], ofVectors = []] = gradients;
    return { value, ofRows, ofVectors };
  });
}

const largest = (values: readonly number[]) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** @param scale of what was added up to get the values */
function expectClose(actual: readonly number[], expected: readonly number[], scale: number) {
  expect(actual).toHaveLength(expected.length);
  const tolerance = 1e-4 * largest(expected) + 2e-6 * scale;
  expect(largest(actual.map((value, at) => value - (expected[at] ?? Number.NaN)))).toBeLessThanOrEqual(tolerance);
}

/** What similarities are multiplied by: where gradients cancel, what is left is rounding of terms of this size. */
function steepness(loss: LossConfig): number {
  const { name, settings } = namedLoss(loss);
  if (name === 'arcFace') return settings.scale;
  return name === 'triplet' || name === 'multiSimilarity' ? 1 : 1 / settings.temperature;
}

describe('a loss', () => {
  it('has golden cases of every kind, with and without pairs', () => {
    expect(new Set(cases.map(({ loss }) => namedLoss(loss).name))).toEqual(new Set(lossNames));
    expect(cases).toHaveLength(112);
    expect(cases.filter(({ value }) => value === 0).length).toBeGreaterThanOrEqual(10);
  });

  for (const { name, loss, value, gradient, vectorsGradient, ...given } of cases)
    it(`agrees with the float64 reference: ${JSON.stringify(loss)}, ${name}`, () => {
      const actual = evaluate({ loss, ...given });
      const scale = steepness(loss);
      expect(Math.abs(actual.value - value)).toBeLessThanOrEqual(2e-6 * Math.max(scale, Math.abs(value)));
      expectClose(actual.ofRows, gradient.flat(), scale);
      expectClose(actual.ofVectors, vectorsGradient?.flat() ?? [], scale);
    });

  const { cases: ofSupcon } = readGolden(
    'supcon',
    z.object({
      cases: z.array(
        z.object({
          name: z.string(),
          temperature: z.number(),
          input: matrixSchema,
          row_labels: z.array(z.int()),
          L_in_eq3: z.number(),
          L_in_grad: matrixSchema,
          npairs_tfa_variant: z.number(),
          npairs_grad: matrixSchema,
        }),
      ),
    }),
  );
  for (const { name, temperature, input, row_labels, ...expected } of ofSupcon)
    it(`agrees with the cases of SupCon, of which L_in and N-pairs are known: ${name}, temperature ${temperature}`, () => {
      for (const [loss, value, gradient] of [
        [{ supcon: { temperature, variant: 'in' } }, expected.L_in_eq3, expected.L_in_grad],
        [{ nPairs: { temperature } }, expected.npairs_tfa_variant, expected.npairs_grad],
      ] as const) {
        const actual = evaluate({ loss: lossSchema.parse(loss), input, labels: row_labels });
        expect(Math.abs(actual.value - value)).toBeLessThanOrEqual(2e-6 * Math.max(1 / temperature, Math.abs(value)));
        expectClose(actual.ofRows, gradient.flat(), 1 / temperature);
      }
    });
});

/** Each loss, with settings that are not its defaults where these have cases of their own. */
const every: readonly LossConfig[] = [
  ...lossNames.map((name) => ({ [name]: {} })),
  { supcon: { variant: 'in' } },
  { supcon: { hardNegatives: { beta: 1 } } },
  { supcon: { variant: 'in', hardNegatives: { beta: 2 }, scale: 'base' } },
  { triplet: { margin: 'soft' } },
].map((loss) => lossSchema.parse(loss));
const vectors = [
  [0.3, -1, 0.2],
  [0.9, 0.4, -0.6],
  [-0.5, 0.1, 0.8],
];
const rows = [
  [0.9, 0.1, -0.3],
  [-0.2, 1.1, 0.4],
  [0.5, -0.7, 0.6],
  [0.1, 0.2, 1.3],
  [-0.8, -0.4, 0.2],
  [0.6, 0.9, -0.1],
  [1.2, 0.3, 0.3],
  [-0.4, 0.5, -0.9],
];
const labels = [0, 1, 2, 0, 1, 2, 0, 1];

describe.each(every.map((loss) => [JSON.stringify(loss), loss] as const))('%s', (_, loss) => {
  const { name } = namedLoss(loss);

  it('does not depend on the order of the rows', () => {
    const order = [5, 2, 7, 0, 3, 6, 1, 4];
    const pick = <T>(of: readonly T[]) => order.map((at) => of[at] as T);
    const [one, other] = [
      evaluate({ loss, input: rows, labels, vectors }),
      evaluate({ loss, input: pick(rows), labels: pick(labels), vectors }),
    ];
    expect(Math.abs(other.value - one.value)).toBeLessThanOrEqual(1e-5 * one.value);
    const ofRow = (gradient: readonly number[], row: number) => gradient.slice(3 * row, 3 * row + 3);
    order.forEach((row, at) => {
      expectClose(ofRow(other.ofRows, at), ofRow(one.ofRows, row), steepness(loss));
    });
    expectClose(other.ofVectors, one.ofVectors, steepness(loss));
  });

  it('looks at directions alone: rows a thousand times as long have the same loss', () => {
    const long = evaluate({ loss, input: rows.map((row) => row.map((value) => 1000 * value)), labels, vectors });
    const { value } = evaluate({ loss, input: rows, labels, vectors });
    expect(Math.abs(long.value - value)).toBeLessThanOrEqual(1e-5 * value);
  });

  it('falls when a step is taken against its gradient', () => {
    const { value, ofRows } = evaluate({ loss, input: rows, labels, vectors });
    const step = 1e-3 / largest(ofRows);
    const moved = rows.map((row, at) => row.map((x, column) => x - step * (ofRows[3 * at + column] ?? 0)));
    expect(evaluate({ loss, input: moved, labels, vectors }).value).toBeLessThan(value);
  });

  it('is finite where rows coincide, are opposite, or are zero, and so is its gradient', () => {
    const [v = [], w = []] = vectors;
    const input = [v, v, v.map((value) => -value), w, w, w.map((value) => -value), [0, 0, 0], [1e-20, 0, 0]];
    for (const given of [labels, [0, 0, 0, 1, 1, 1, 2, 2], [1, 0, 2, 2, 1, 0, 0, 1]]) {
      const { value, ofRows, ofVectors } = evaluate({ loss, input, labels: given, vectors });
      expect([value, ...ofRows, ...ofVectors].every(Number.isFinite)).toBe(true);
    }
  });

  it('is 0 with zero gradients where no row has what it learns from', () => {
    // The vectors of classes are there for every row, and a row of N-pairs is a positive of itself.
    if (name === 'normalisedSoftmax' || name === 'arcFace' || name === 'nPairs') return;
    const alone = evaluate({ loss, input: rows.slice(0, 4), labels: [0, 1, 2, 3], vectors });
    expect([alone.value, ...alone.ofRows].every((value) => value === 0)).toBe(true);
    if (name === 'supcon') return;
    const oneClass = evaluate({ loss, input: rows, labels: labels.map(() => 1), vectors });
    expect([oneClass.value, ...oneClass.ofRows].every((value) => value === 0)).toBe(true);
  });
});

describe('variants of SupCon', () => {
  const of = (settings: object) =>
    evaluate({ loss: lossSchema.parse({ supcon: settings }), input: rows, labels, vectors });

  it('are L_out by default, to the bit', () => {
    expect(of({ variant: 'out' })).toEqual(of({}));
  });

  it('have the same denominators where hard negatives weigh like all others', () => {
    const [plain, weighed] = [of({}), of({ hardNegatives: { beta: 0 } })];
    expect(weighed.value).toBeCloseTo(plain.value, 4);
    expectClose(weighed.ofRows, plain.ofRows, 20);
  });

  it('keep L_in at or below L_out, by the inequality of Jensen', () => {
    expect(of({ variant: 'in' }).value).toBeLessThan(of({}).value);
  });

  it('weigh near negatives more the larger beta is', () => {
    const values = [0, 0.5, 1, 2, 4].map((beta) => of({ temperature: 0.5, hardNegatives: { beta } }).value);
    expect(values).toEqual(values.toSorted((a, b) => a - b));
  });
});

describe('the setting', () => {
  it('takes a name for the defaults of that loss', () => {
    for (const name of lossNames) expect(lossSchema.parse(name)).toEqual(lossSchema.parse({ [name]: {} }));
  });

  it('has no key for what is absent, so that what was recorded before keeps its digest', () => {
    expect(JSON.stringify(lossSchema.parse({ supcon: {} }))).toBe(
      '{"supcon":{"temperature":0.05,"scale":"none","queue":0}}',
    );
  });

  it.each([
    {},
    { supcon: {}, triplet: {} },
    { crossEntropy: {} },
    { triplet: { margin: 0 } },
    { arcFace: { margin: 28.6 } },
  ])('refuses %j', (loss) => expect(lossSchema.safeParse(loss).success).toBe(false));
});
