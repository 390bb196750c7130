export { type EmbeddedImages, trainAdapter } from './adapter-training.ts';
export { createEncoderAtCheckpoint } from './encoder-at-checkpoint.ts';
export { checkExported, type ExportedModel, exportModel } from './export.ts';
export { type FrozenEncoder, openEncoder } from './features.ts';
export { createTrainingJobs } from './jobs/index.ts';
export { modelCard } from './model-card.ts';
export { type JobContext, type JobHandlers, JobStopped } from './process/job.ts';
export { serveTrainer } from './process/serve.ts';
export { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from './tensorflow.ts';
