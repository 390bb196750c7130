import { ContrailError } from '../contracts/errors.ts';
import { float32, type StoredTensor } from '../store/index.ts';
import type { ParameterSpec, Variables } from './parameters.ts';
import { variable } from './parameters.ts';
import { tf } from './tensorflow.ts';

/** Reads variables out as float32 tensors, by name. Waits for the device. */
export function readState(specs: readonly ParameterSpec[], variables: Variables): StoredTensor[] {
  return specs.map(({ name, shape }) => {
    const values = variable(variables, name).dataSync<'float32'>();
    return { name, dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
  });
}

/**
 * Puts stored tensors into variables, bit for bit.
 *
 * @throws ContrailError CorruptArtifact when a tensor is missing or has another shape
 */
export function writeState(
  specs: readonly ParameterSpec[],
  variables: Variables,
  tensors: ReadonlyMap<string, StoredTensor>,
): void {
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name);
    if (!tensor) throw new ContrailError('CorruptArtifact', `The stored state has no tensor named ${name}.`);
    if (tensor.shape.join() !== shape.join())
      throw new ContrailError(
        'CorruptArtifact',
        `Tensor ${name} is stored as [${tensor.shape}], but the model needs [${shape}].`,
      );
    tf.tidy(() => variable(variables, name).assign(tf.tensor(float32(tensor).slice(), [...shape])));
  }
}
