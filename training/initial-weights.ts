import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ContrailError } from '../contracts/errors.ts';
import { decodeSafetensors, type StoredTensor } from '../store/index.ts';
import type { TrainingSession } from './session.ts';
import { writeState } from './state.ts';

/**
 * Puts the weights that the config names into the encoder, by the names of the layers, which are Keras's. The file may
 * hold more; the projection head always starts anew.
 *
 * @throws ContrailError InvalidInput that says what is wrong with the file
 */
export async function startFromInitialWeights({
  config,
  model,
  execution,
}: Pick<TrainingSession, 'config' | 'model' | 'execution'>): Promise<void> {
  if (!config.initialWeights) return;
  const { path, sha256 } = config.initialWeights;
  const refuse = (reason: string) => new ContrailError('InvalidInput', `initialWeights: ${path} ${reason}`);
  const content = await readFile(path).catch((error: unknown) => {
    throw refuse(`cannot be read (${error instanceof Error ? error.message : String(error)}).`);
  });
  const actual = createHash('sha256').update(content).digest('hex');
  if (actual !== sha256) throw refuse(`has SHA-256 ${actual}, not ${sha256}.`);
  let tensors: ReadonlyMap<string, StoredTensor>;
  try {
    tensors = decodeSafetensors(content, path).tensors;
  } catch (error) {
    throw refuse(`is not a safetensors file (${error instanceof Error ? error.message : String(error)}).`);
  }
  const { parameters } = model.encoder;
  for (const { name, shape } of parameters) {
    const tensor = tensors.get(name);
    if (!tensor) throw refuse(`has no tensor ${name}. It must hold every weight of the encoder, by Keras's names.`);
    if (tensor.dtype !== 'F32' || tensor.shape.join() !== shape.join())
      throw refuse(`holds ${name} as ${tensor.dtype} [${tensor.shape}]; the encoder needs F32 [${shape}].`);
  }
  writeState(parameters, execution, tensors);
}
