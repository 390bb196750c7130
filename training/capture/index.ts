export { type Captured, type CaptureOptions, type CaptureReport, capture } from './capture.ts';
export { eagerExecution } from './eager.ts';
export { CaptureError } from './errors.ts';
export type { CompiledStep, Execution, Step, StepState, TensorValue } from './execution.ts';
export type { Later } from './recorded-laters.ts';
export { type Recorder, recording } from './recorder.ts';
export { type SessionSettings, sessionDevices } from './sessions.ts';
