export { createTrainerHost, type TrainerHost, TrainerStopped } from './process/host.ts';
