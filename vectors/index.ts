export { buildIndex } from './build/build-index.ts';
export { addToIndex, type ChangedIndex, removeFromIndex } from './build/change-index.ts';
export type { BuildOptions, BuildPhase, BuildProgress } from './build/progress.ts';
export type { WrittenIndex } from './build/write-index.ts';
export { labelsOf } from './labels-of.ts';
export { type Hit, openIndex, type VectorIndex } from './open-index.ts';
export { type IndexJobResult, runIndexJob } from './process/run-job.ts';
export { requireEncoder } from './require-encoder.ts';
export { readPictures, readShardRows, readVectors, type Shard, type ShardContent, shardFiles } from './shards.ts';
