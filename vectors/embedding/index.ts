export { readOutcome, readPlan, readShardList, shardListPath, writeOutcome } from './files.ts';
export { embeddedText, endEmbedding, gatherEmbedding } from './gather.ts';
export { type EmbeddedImages, hasPiece, writePiece } from './pieces.ts';
export { planEmbedding } from './plan.ts';
