// What a pipeline in TypeScript imports.
export { type Builder, definePipeline, expression, type MatrixStep, type Step } from './language/define.ts';
