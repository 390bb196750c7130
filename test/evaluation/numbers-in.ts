import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { decodeSafetensors, int32, readArtifactFile, type Store } from '../../store/index.ts';

/** The whole numbers that a file of an artifact has under a name. */
export async function numbersIn(store: Store, ref: ArtifactRef, file: string): Promise<(name: string) => Int32Array> {
  const { tensors } = decodeSafetensors(await readArtifactFile(store, ref, file), file);
  return (name) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`there is no ${name}`);
    return int32(tensor);
  };
}
