export type { CodeFiles, CodeRequest } from './check-program.ts';
export { milliseconds } from './duration.ts';
export type { IncludedFiles } from './include.ts';
export type { OwnFiles, OwnKinds } from './own-kinds.ts';
export { type PipelineSource, parsePipeline, planPipeline, readPipeline, readPipelineValue } from './parse.ts';
export { formatProblem, type Problem } from './problems.ts';
export {
  hasEnded,
  neverStarting,
  pointlessSteps,
  readySteps,
  type StepStates,
} from './readiness.ts';
export { resolveResults } from './references.ts';
export { evaluateWhen, type WhenContext } from './when.ts';
export { combinedState, type RunFacts, type StepOutcome, whenContext } from './when-context.ts';
