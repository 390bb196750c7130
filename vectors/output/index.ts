export { writeFolder } from './folder.ts';
export { writeNpy } from './npy.ts';
export type { Embeddings, OutputAbout } from './output.ts';
export { writeParquet } from './parquet.ts';
