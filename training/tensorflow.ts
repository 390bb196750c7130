import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';
import { bindingFile } from '../native/binding-folder.ts';
import { packageManifest } from '../native/paths.ts';
import { asCopied, type Values } from './copied-values.ts';

const require = createRequire(import.meta.url);

// tfjs-node 4.22 calls two functions that Node 23 removed from `util`; both mean exactly this.
const util = require('node:util') as Record<string, unknown>;
util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
util.isArray ??= Array.isArray;

// tfjs-node looks for its addon in its own folder, by this function; set-up keeps it where an update of npm's packages does not remove it.
const locator = createRequire(packageManifest('@tensorflow/tfjs-node-gpu'))(
  '@mapbox/node-pre-gyp/lib/pre-binding.js',
) as { find: () => string };
locator.find = bindingFile;

/** TensorFlow, on whichever device the installed library drives. Every other file imports it from here. */
export const tf = require('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;

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
