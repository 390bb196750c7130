export { pipeline } from './pipeline.ts';
export { training } from './training.ts';
