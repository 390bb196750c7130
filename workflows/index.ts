export { pipeline } from './pipeline.ts';
export { scheduledRun } from './scheduled-run.ts';
export { training } from './training.ts';
