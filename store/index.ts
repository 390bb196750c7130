export { type ArtifactWriter, createArtifactWriter } from './artifact-writer.ts';
export { artifactFolder, damaged, readArtifact, readArtifactFile, writeArtifact } from './artifacts.ts';
export {
  type Checkpoints,
  type LoadedCheckpoint,
  type NamedManifest,
  type NewCheckpoint,
  openCheckpoints,
} from './checkpoints.ts';
export { digestOf, digestOfJson, jsonBytes, parseJson } from './digest.ts';
export { acquireLease, assertCurrent, type Lease } from './leases.ts';
export type { Keep } from './retention.ts';
export {
  type EpochLine,
  loadEpochMetrics,
  loadPlan,
  loadStepResult,
  loadStepResults,
  reportFolder,
  type StoredStepResult,
  saveEpochMetrics,
  savePlan,
  saveStepResult,
  writeReportFile,
} from './run-files.ts';
export {
  bytesOf,
  type Dtype,
  decodeSafetensors,
  decodeSafetensorsHeader,
  encodeSafetensors,
  float32,
  int32,
  type StoredTensor,
  type TensorPlace,
} from './safetensors.ts';
export { requireSameConfig } from './same-config.ts';
export { type Content, openStore, type Store, type StoredFile } from './store.ts';
