export { type BalancedShape, balancedBatchPlan, balancedShape, rowsByClass } from './balanced-batches.ts';
export { type BatchPlan, batchPlan } from './batches.ts';
export { describeDataset } from './describe.ts';
export { findFashionMnist, installedFashionMnist } from './fashion-mnist-files.ts';
export { type LoadedSplit, loadSplit, readWholeSplit } from './load.ts';
export { type OpenSplit, openSplit } from './open-split.ts';
export { prepareDataset } from './prepare.ts';
export { permutation, randomDraws, randomUint32, seedPair } from './random.ts';
export type { PreparationOptions, ProgressOfPreparation } from './source.ts';
