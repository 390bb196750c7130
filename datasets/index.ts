export { type BatchPlan, batchPlan } from './batches.ts';
export { findFashionMnist, installedFashionMnist } from './fashion-mnist-files.ts';
export { describeDataset, type LoadedSplit, loadSplit } from './load.ts';
export { prepareDataset } from './prepare.ts';
export { permutation, randomUint32, seedPair } from './random.ts';
export type { PreparationOptions, ProgressOfPreparation } from './source.ts';
