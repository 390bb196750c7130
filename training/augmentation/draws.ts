import type { AugmentationConfig } from '../../contracts/augmentation.ts';
import { gatherRows, statelessUniform } from '../ops.ts';
import { type Tensor1D, type Tensor2D, tf } from '../tensorflow.ts';

/**
 * The columns that each operation draws, by its key in the config. A draw depends on the number of columns
 * that are drawn with it, so an operation that is added gets columns of its own, and `always` stays as it is.
 */
const drawnColumns = {
  always: [
    'flip',
    'rotation',
    'zoom',
    'cropped',
    'cropArea',
    'cropRatio',
    'cropX',
    'cropY',
    'jittered',
    'brightness',
    'contrast',
    'saturation',
    'hue',
    'grey',
  ],
  blur: ['blurred', 'sigma'],
  equalize: ['equalized'],
  posterize: ['posterized'],
  solarize: ['solarized'],
  erase: ['erased', 'eraseArea', 'eraseRatio', 'eraseX', 'eraseY'],
} as const;
type DrawnGroup = keyof typeof drawnColumns;
const groups = Object.keys(drawnColumns) as DrawnGroup[];
type Column = { [Group in DrawnGroup]: (typeof drawnColumns)[Group][number] }[DrawnGroup];

/** Operations that draw several times an image: once a round. */
const roundColumns = ['operation', 'magnitude', 'sign'] as const;
export type Policy = 'randAugment' | 'trivialAugment';

/** How often each image draws an operation of a policy. */
const roundsOf = ({ randAugment, trivialAugment }: AugmentationConfig): Readonly<Record<Policy, number>> => ({
  randAugment: randAugment?.operations ?? 0,
  trivialAugment: trivialAugment ? 1 : 0,
});

/** Uniform draws in [0, 1) for each image, by what they are for: float32 [rows, columns] each. */
export type ViewDraws = Readonly<Partial<Record<DrawnGroup | Policy, Tensor2D>>>;

/**
 * The draws of a batch: a function of seeds and shapes alone.
 *
 * @param seedOf int32 [2], from the seed, what is drawn, and the step
 */
export function viewDraws(
  rows: number,
  config: AugmentationConfig,
  seedOf: (what: DrawnGroup | Policy) => Tensor1D,
): ViewDraws {
  const columns = [
    ...groups
      .filter((group) => group === 'always' || config[group])
      .map((group) => [group, drawnColumns[group].length] as const),
    ...(Object.entries(roundsOf(config)) as [Policy, number][]).map(
      ([policy, rounds]) => [policy, rounds * roundColumns.length] as const,
    ),
  ].filter(([, count]) => count > 0);
  return Object.fromEntries(
    columns.map(([what, count]) => [what, statelessUniform([rows, count], seedOf(what)) as Tensor2D]),
  );
}

/** The draws of some images of a batch. @param rows int32 [n] */
export const drawsOfRows = (draws: ViewDraws, rows: Tensor1D): ViewDraws =>
  Object.fromEntries(Object.entries(draws).map(([what, values]) => [what, gatherRows(values, rows) as Tensor2D]));

/** The draws of one column: float32 [rows, 1]. */
export type Draw = (column: Column) => Tensor2D;

const column = (values: Tensor2D, index: number): Tensor2D => tf.slice(values, [0, index], [values.shape[0], 1]);

export const drawsOf =
  (draws: ViewDraws): Draw =>
  (name) => {
    const group = groups.find((each) => (drawnColumns[each] as readonly string[]).includes(name));
    const values = group && draws[group];
    if (!values) throw new Error(`nothing was drawn for ${name}`);
    return column(values, (drawnColumns[group] as readonly string[]).indexOf(name));
  };

/** What a round draws for each image: float32 [rows, 1] each. */
export type RoundDraws = Readonly<Record<(typeof roundColumns)[number], Tensor2D>>;

/** The draws of each round of a policy, in their order. */
export function roundDraws(draws: ViewDraws, policy: Policy): RoundDraws[] {
  const values = draws[policy];
  if (!values) return [];
  return Array.from(
    { length: values.shape[1] / roundColumns.length },
    (_, round) =>
      Object.fromEntries(
        roundColumns.map((name, index) => [name, column(values, round * roundColumns.length + index)]),
      ) as RoundDraws,
  );
}
