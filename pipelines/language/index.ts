export type { CodeFiles, CodeRequest } from './check/check-program.ts';
export type { OwnFiles, OwnKinds } from './check/own-kinds.ts';
export { type Setting, type Settings, settingsOf } from './describe/settings.ts';
export { resolveResults } from './expressions/references.ts';
export { evaluateWhen, type WhenContext } from './expressions/when.ts';
export {
  hasEnded,
  neverStarting,
  pointlessSteps,
  readySteps,
  type StepStates,
} from './interpret/readiness.ts';
export { combinedState, type RunFacts, type StepOutcome, whenContext } from './interpret/when-context.ts';
export {
  type PipelineSource,
  parsePipeline,
  planPipeline,
  type ReadOptions,
  readPipeline,
  readPipelineValue,
  writtenSettings,
} from './parse.ts';
export { formatProblem, type Problem } from './problems/problems.ts';
export type { IncludedFiles } from './read/include.ts';
