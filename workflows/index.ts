export { embedding } from './embedding.ts';
export { pipeline } from './pipeline.ts';
export { scheduledRun } from './scheduled-run.ts';
export { training } from './training.ts';
