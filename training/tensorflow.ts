import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { bindingFile } from '../native/binding-folder.ts';
import { bindingPackage } from '../native/paths.ts';
import { asCopied, type Values } from './copied-values.ts';

const require = createRequire(import.meta.url);
const loadTfjs = require('../native/tfjs.cjs') as (folder: string, binding: string) => typeof TensorFlow;

/** TensorFlow, on whichever device the installed library drives. Every other file imports it from here. */
export const tf = loadTfjs(bindingPackage, bindingFile());

/** Every tensor that is made of values, ours and those of tfjs itself, is made by this function of its native side. */
interface Maker {
  createTensor(shape: readonly number[], dtype: number, values: Values | readonly Uint8Array[]): number;
}
const engine = tf.backend() as unknown as { binding: Maker };
const native = engine.binding;
engine.binding = Object.create(native, {
  createTensor: {
    value: ((shape, dtype, values) =>
      native.createTensor(
        shape,
        dtype,
        ArrayBuffer.isView(values) ? asCopied(values) : values,
      )) satisfies Maker['createTensor'],
  },
});

export type Tensor = TensorFlow.Tensor;
export type Tensor1D = TensorFlow.Tensor1D;
export type Tensor2D = TensorFlow.Tensor2D;
export type Tensor4D = TensorFlow.Tensor4D;
export type Scalar = TensorFlow.Scalar;
export type Variable = TensorFlow.Variable;
