/**
 * How a weight of an encoder is made of the tensors of a file: which, how they are put together, and in which order its axes
 * then come. PyTorch keeps convolutions as [out, in, height, width] and linear layers as [out, in]; the encoders have TensorFlow's order.
 */

/** How the tensors of a file become one. */
export type Join =
  /** The one tensor. */
  | 'one'
  /** Along the first axis, as query, key and value. */
  | 'stacked'
  /** The class token, with the position that it has among the position embeddings added. */
  | 'class-token-and-position'
  /** Position embeddings but for the first, which is that of the class token. */
  | 'positions-of-patches'
  /** No tensor: ones in the shape that is wanted. A scale that a network does not have. */
  | 'ones';

export type Layout = 'same' | 'convolution' | 'depthwise' | 'linear';

/** The axes of ours, by their numbers in PyTorch's. Depthwise kernels are [channels, 1, height, width] there, ours end in [channels, 1]. */
export const permutations: Readonly<Record<Layout, readonly number[] | null>> = {
  same: null,
  convolution: [2, 3, 1, 0],
  depthwise: [2, 3, 0, 1],
  linear: [1, 0],
};

export interface Recipe {
  /** Names in the file. */
  readonly from: readonly string[];
  readonly join: Join;
  readonly layout: Layout;
}

type Shape = readonly number[];

/** The shape that comes out; null where the tensors do not go together so. */
export function shapeOf({ join, layout }: Recipe, shapes: readonly Shape[], wanted: Shape): Shape | null {
  const joined = joinedShape(join, shapes, wanted);
  const permutation = permutations[layout];
  if (!joined || !permutation) return joined;
  return joined.length === permutation.length ? permutation.map((axis) => joined[axis] as number) : null;
}

function joinedShape(join: Join, shapes: readonly Shape[], wanted: Shape): Shape | null {
  const [first, second] = shapes;
  if (join === 'ones') return wanted;
  if (!first) return null;
  switch (join) {
    case 'one':
      return first;
    case 'stacked': {
      const same = shapes.every((shape) => shape.slice(1).join() === first.slice(1).join() && shape.length > 0);
      return same ? [shapes.reduce((sum, [rows = 0]) => sum + rows, 0), ...first.slice(1)] : null;
    }
    case 'class-token-and-position':
      return first.length === 3 && second?.length === 3 && (second[1] as number) > 0 && first[2] === second[2]
        ? first
        : null;
    case 'positions-of-patches':
      return first.length === 3 && (first[1] as number) > 0
        ? [first[0] as number, (first[1] as number) - 1, first[2] as number]
        : null;
  }
}

export interface Values {
  readonly shape: Shape;
  readonly values: Float32Array;
}

/** Makes the weight. The tensors' shapes must be such that `shapeOf` gives one. */
export function made({ join, layout }: Recipe, tensors: readonly Values[], wanted: Shape): Values {
  const shape = joinedShape(
    join,
    tensors.map((each) => each.shape),
    wanted,
  );
  if (!shape) throw new TypeError(`tensors that do not go together as ${join}`);
  const joined = { shape, values: joinedValues(join, tensors, shape) };
  const permutation = permutations[layout];
  return permutation ? permuted(joined, permutation) : joined;
}

const sizeOf = (shape: Shape) => shape.reduce((a, b) => a * b, 1);

function joinedValues(join: Join, tensors: readonly Values[], shape: Shape): Float32Array {
  const [first, second] = tensors;
  if (join === 'ones' || !first) return new Float32Array(sizeOf(shape)).fill(1);
  switch (join) {
    case 'one':
      return first.values;
    case 'stacked': {
      const all = new Float32Array(sizeOf(shape));
      let at = 0;
      for (const { values } of tensors) {
        all.set(values, at);
        at += values.length;
      }
      return all;
    }
    case 'class-token-and-position':
      return first.values.map((value, at) => value + (second?.values[at] ?? 0));
    case 'positions-of-patches':
      return first.values.slice(shape[2]);
  }
}

/** The same values with the axes in another order, row-major. */
export function permuted({ shape, values }: Values, permutation: readonly number[]): Values {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const to = permutation.map((axis) => shape[axis] as number);
  const steps = permutation.map((axis) => strides[axis] as number);
  const last = to.length - 1;
  const [length = 1, step = 1] = [to[last], steps[last]];
  const result = new Float32Array(values.length);
  const index = to.map(() => 0);
  let from = 0;
  for (let at = 0; at < result.length; ) {
    for (let each = 0; each < length; each++) result[at++] = values[from + each * step] as number;
    // On to the next of the axes before the last, as an odometer goes on.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if ((index[axis] as number) < (to[axis] as number)) break;
      from -= (steps[axis] as number) * (to[axis] as number);
      index[axis] = 0;
    }
  }
  return { shape: to, values: result };
}
