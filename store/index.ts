export { takeTraining } from './add-checkpoint.ts';
export { loadDecisions, saveDecision } from './approvals.ts';
export { type Arrival, takePlace } from './arrivals.ts';
export { type ArtifactWriter, createArtifactWriter, manifestOf } from './artifact-writer.ts';
export {
  artifactEntry,
  checked,
  damaged,
  localArtifactFile,
  missingPart,
  readAbout,
  readArtifact,
  readArtifactFile,
  readArtifactJson,
  readArtifactLines,
  readEntry,
  writeArtifact,
} from './artifacts.ts';
export {
  type CacheEntry,
  cacheKey,
  damageIn,
  type KeyedCacheEntry,
  listCache,
  listCacheKeys,
  loadCacheEntry,
  removeCacheEntry,
  saveCacheEntry,
} from './cache.ts';
export { type ByteProgress, checkStore, type StoreCheck } from './check.ts';
export { comparePoints, parseCheckpointName } from './checkpoint-names.ts';
export type { Checkpoints, LoadedCheckpoint, NamedManifest, NewCheckpoint } from './checkpoints.ts';
export { type Collected, collectGarbage } from './collect.ts';
export { copyStore, type StoreCopy } from './copy.ts';
export { datasetAboutOf, testSetOf } from './dataset-about.ts';
export { digestOf, digestOfJson, jsonBytes, parseJson } from './digest.ts';
export { emptiedAt, emptiedFiles, emptyArtifact, isEmptied, saysForgotten } from './emptied.ts';
export { loadForgotten, saveForgotten } from './forgotten.ts';
export { holdArtifacts, requireNone, whileHeld } from './hold.ts';
export { identityOf, storeFile } from './identity.ts';
export { joined } from './joined.ts';
export { tensorsIfKept } from './kept-tensors.ts';
export { acquireLease, assertCurrent, type Lease, listLeases, type TakenLease } from './leases.ts';
export {
  addVersion,
  listModels,
  loadCurrent,
  loadRefusals,
  loadVersions,
  markOfVersions,
  pointAtHighest,
  recordRefusal,
} from './models.ts';
export { artifactsIn, artifactsNamedBy } from './named-artifacts.ts';
export { openCheckpoints } from './open-checkpoints.ts';
export { openStore } from './open-store.ts';
export { loadOwnState, saveOwnState } from './own-state.ts';
export {
  artifactFolder,
  embeddedFolder,
  emptiedMark,
  manifestFile,
  preparationsFolder,
  stagingFolder,
} from './paths.ts';
export { hasPiece, loadPiece, pathOfPiece, piecesIn, removePiece, savePiece } from './pieces.ts';
export { readTensor } from './read-tensor.ts';
export {
  isMissing,
  listFiles,
  listFolders,
  missingFile,
  readJson,
  readText,
  unlessDamaged,
  unreadable,
} from './reading.ts';
export { newestRecords } from './records.ts';
export { withRegularFile } from './regular-file.ts';
export { listsWithPictures, loadRejectedPictures, saveRejectedPictures } from './rejected-pictures.ts';
export { isBeingRemoved, neededBy, removeRun } from './remove-run.ts';
export type { Keep } from './retention.ts';
export {
  type EpochLine,
  loadEpochMetrics,
  loadPlan,
  loadStepResult,
  loadStepResults,
  removeStepResult,
  reportFolder,
  requirePlan,
  type StoredStepResult,
  saveEpochMetrics,
  savePlan,
  saveStepResult,
  tensorboardFolder,
  writeReportFile,
} from './run-files.ts';
export { type LogPosition, openRunLog, type RunLogWriter, readRunLog } from './run-logs.ts';
export { loadRunRecord, recordChange, recordFork, recordResume, recordRun } from './run-record.ts';
export {
  bytesOf,
  type DecodedHeader,
  type Dtype,
  decodeSafetensors,
  decodeSafetensorsHeader,
  encodeSafetensors,
  float32,
  int32,
  type StoredTensor,
  type TensorPlace,
} from './safetensors.ts';
export { configMismatch, conflictsWith, differencesBetween } from './same-config.ts';
export {
  digestOfSteps,
  loadLastCompleted,
  loadScheduleDefinition,
  removeSchedule,
  saveLastCompleted,
  saveScheduleDefinition,
} from './schedules.ts';
export type { Content, FileRange, KnownContent, Store, StoredFile } from './store.ts';
export { loadChanges, saveChanges } from './training-changes.ts';
