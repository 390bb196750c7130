export { createTrainerHost, type TrainerHost } from './process/host.ts';
export { type RunOptions, TrainerStopped } from './process/run-job.ts';
