export { createTrainerHost, type TrainerHost } from './process/host.ts';
export { TrainerStopped } from './process/run-job.ts';
