import type { Tensor } from '../tensorflow.ts';
import { backend } from './backend.ts';
import { DataType } from './data-types.ts';
import type { TensorValue } from './execution.ts';

/** An input of a step as a tensor of tfjs, for a run operation by operation. */
export function eagerTensor({ dtype, shape, values }: TensorValue): Tensor {
  const type = DataType[dtype];
  return backend().createOutputTensor({ id: backend().binding.createTensor(shape, type, values), shape, dtype: type });
}
