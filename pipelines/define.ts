// What a pipeline in TypeScript imports, and a step of the user's own.
export { defineStep, type OwnStep, type OwnStepRun, PermanentError, z } from '../own-steps/define.ts';
export { type Builder, definePipeline, expression, type MatrixStep, type Step } from './language/define.ts';
