import { ContrailError } from '../contracts/errors.ts';
import { float32, type StoredTensor } from '../store/index.ts';
import type { Execution } from './capture/index.ts';
import type { ParameterSpec } from './parameters.ts';

/** Reads variables out as float32 tensors, by name. Waits for the device. */
export function readState(specs: readonly ParameterSpec[], execution: Pick<Execution, 'read'>): StoredTensor[] {
  const values = execution.read(specs.map(({ name }) => name));
  return specs.map(({ name, shape }, index) => {
    const { buffer, byteOffset, byteLength } = values[index] as Float32Array;
    return { name, dtype: 'F32', shape, data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
}

/**
 * Puts stored tensors into variables, bit for bit.
 *
 * @throws ContrailError CorruptArtifact when a tensor is missing or has another shape
 */
export function writeState(
  specs: readonly ParameterSpec[],
  execution: Pick<Execution, 'write'>,
  tensors: ReadonlyMap<string, StoredTensor>,
): void {
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name);
    if (!tensor) throw new ContrailError('CorruptArtifact', `The stored state has no tensor named ${name}.`);
    if (tensor.shape.join() !== shape.join())
      throw new ContrailError(
        'CorruptArtifact',
        `Tensor ${name} is stored as [${tensor.shape}], but the model needs [${shape}].`,
      );
    values.set(name, float32(tensor));
  }
  execution.write(values);
}
