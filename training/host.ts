export { createTrainerHost, type TrainerHost, trainerStopMs } from './process/host.ts';
export { type RunOptions, TrainerStopped } from './process/run-job.ts';
