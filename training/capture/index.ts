export { type Captured, type CaptureOptions, type CaptureReport, capture } from './capture.ts';
export { eagerExecution } from './eager.ts';
export { CaptureError } from './errors.ts';
export type { CompiledStep, Execution, Step, StepState, TensorValue } from './execution.ts';
export { recording } from './recorder.ts';
