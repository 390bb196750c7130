import type { TensorValue } from './capture/index.ts';
import { copiedValues } from './copied-values.ts';
import type { Tensor } from './tensorflow.ts';

/**
 * The inputs of the parts that pass at once, out of those of a step: for each part its own, the step, and the number of the first part.
 *
 * @returns a function of the inputs of a step, the last of which is its number, and of the first part of a round; the arrays are filled anew by each call
 */
export function roundInputs({
  microbatch,
  replicas,
}: {
  readonly microbatch: number;
  readonly replicas: { readonly count: number };
}): (inputs: readonly TensorValue[], first: number) => readonly TensorValue[] {
  const firstPart = copiedValues('int32', 1);
  const firstInput: TensorValue = { dtype: 'int32', shape: [], values: firstPart };
  return (inputs, first) => {
    firstPart[0] = first;
    const parts = Array.from({ length: replicas.count }, (_, at) =>
      inputs.slice(0, -1).map((input) => partOf(input, first + at, microbatch)),
    );
    return [...parts.flat(), inputs.at(-1) as TensorValue, firstInput];
  };
}

/** The same inputs as a step is given them. */
export function roundOf(inputs: readonly Tensor[], count: number) {
  const [step, first] = inputs.slice(-2) as [Tensor, Tensor];
  const each = (inputs.length - 2) / count;
  const ofParts = Array.from({ length: count }, (_, at) => inputs.slice(at * each, (at + 1) * each));
  return { ofParts, step, first };
}

/** A part of an input of a batch: a view of the same values. */
function partOf({ dtype, shape, values }: TensorValue, index: number, microbatch: number): TensorValue {
  const size = (values.length / (shape[0] ?? 1)) * microbatch;
  return {
    dtype,
    shape: [microbatch, ...shape.slice(1)],
    values: values.subarray(index * size, (index + 1) * size),
  };
}
