export { milliseconds } from './duration.ts';
export { parsePipeline, readPipeline } from './parse.ts';
export { formatProblem, type Problem } from './problems.ts';
export { doomedSteps, pointlessSteps, readySteps, type StepStates } from './readiness.ts';
export { resolveResults } from './references.ts';
