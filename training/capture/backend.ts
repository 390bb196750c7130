import { type Tensor, tf } from '../tensorflow.ts';

/**
 * The part of tfjs-node's backend that this folder and `ops.ts` work with, which tfjs does not type.
 */

/** An attribute as tfjs-node's kernels spell it. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/** A tensor as the native side knows it. */
export interface NativeTensor {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** What stands behind a tfjs tensor; `values` are not yet with TensorFlow. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values: Float32Array | Int32Array | Uint8Array | readonly Uint8Array[] | null;
}

export interface NativeBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): NativeTensor[];
  createTensor(shape: readonly number[], dtype: number, values: Float32Array | Int32Array | Uint8Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  /** Ours (native/sessions): the ConfigProto of the sessions that are opened from now on; no bytes for none. Not there in a binding of before. */
  setSessionConfig?(config: Uint8Array): void;
  /** Ours: TensorFlow's names of the devices that a session has which is opened now. */
  sessionDevices?(): string[];
  runSavedModel(id: number, inputs: readonly number[], inputNames: string, outputNames: string): NativeTensor[];
}

export interface NodeBackend {
  binding: NativeBinding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: object): TensorData | undefined };
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly Tensor[],
    outputs: number,
  ): Tensor[];
  createOutputTensor(tensor: NativeTensor): Tensor;
  getInputTensorIds(tensors: readonly Tensor[]): number[];
  readSync(dataId: object): Float32Array | Int32Array | Uint8Array;
  read(dataId: object): Promise<Float32Array | Int32Array | Uint8Array>;
}

export const backend = (): NodeBackend => tf.backend() as unknown as NodeBackend;
