export { artifactFolder, readArtifact, readArtifactFile, writeArtifact } from './artifacts.ts';
export { type Checkpoints, type LoadedCheckpoint, type NamedManifest, openCheckpoints } from './checkpoints.ts';
export { digestOf, digestOfJson, jsonBytes, parseJson } from './digest.ts';
export { acquireLease, assertCurrent, type Lease } from './leases.ts';
export {
  loadPlan,
  loadStepResult,
  reportFolder,
  type StoredStepResult,
  savePlan,
  saveStepResult,
  writeReportFile,
} from './run-files.ts';
export { bytesOf, decodeSafetensors, encodeSafetensors, float32, int32, type StoredTensor } from './safetensors.ts';
export { requireSameConfig } from './same-config.ts';
export { type Content, openStore, type Store, type StoredFile } from './store.ts';
