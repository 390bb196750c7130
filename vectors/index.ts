export { buildIndex } from './build/build-index.ts';
export { type Hit, openIndex, requireEncoder, type VectorIndex } from './open-index.ts';
export { readPictures, readShardRows, readVectors, type Shard, type ShardContent, shardFiles } from './shards.ts';
