import type { Tensor, Variable } from '../tensorflow.ts';

/**
 * A step is a function of tensors that may change variables. It runs as a captured graph or operation by operation.
 */

/** Values for an input of a step. The array may be kept and filled anew for each run. */
export interface TensorValue {
  readonly dtype: 'float32' | 'int32' | 'uint8';
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** What a step works on besides its inputs. */
export interface StepState {
  /** By name: read and assigned by steps, saved and restored. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** By name: large tensors that stay with TensorFlow and do not change, as a data set does. */
  readonly resident: Readonly<Record<string, Tensor>>;
}

/** A step to capture. It returns what its caller wants to read, and reads nothing itself. */
export type Step = (inputs: readonly Tensor[], state: StepState) => readonly Tensor[];

/** A step that is ready to run. @returns the values of the step's outputs */
export type CompiledStep = (...inputs: readonly TensorValue[]) => readonly (Float32Array | Int32Array)[];

/**
 * Variables, and the steps that run over them.
 *
 * I1. Between runs the variables hold what the last step, or `write`, left in them.
 * I2. A step that throws changes no variable.
 */
export interface Execution {
  readonly compile: (step: Step) => CompiledStep;
  /** Copies of variables, as float32, in the order of the names. */
  readonly read: (names: readonly string[]) => readonly Float32Array[];
  readonly write: (values: ReadonlyMap<string, Float32Array>) => void;
  readonly dispose: () => void;
}
