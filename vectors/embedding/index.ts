export { readOutcome, readPlan, readShardList, shardListPath, writeOutcome } from './files.ts';
export { endEmbedding, gatherEmbedding } from './gather.ts';
export { type EmbeddedImages, writePiece } from './pieces.ts';
export { planEmbedding } from './plan.ts';
export { openSplitRows } from './split-rows.ts';
export { vectorRow } from './vector-row.ts';
