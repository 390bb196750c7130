import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu';

const require = createRequire(import.meta.url);

// tfjs-node 4.22 calls two functions that Node 23 removed from `util`; both mean exactly this.
const util = require('node:util') as Record<string, unknown>;
util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
util.isArray ??= Array.isArray;

/** TensorFlow, on whichever device the installed library drives. Every other file imports it from here. */
export const tf = require('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;

export type Tensor = TensorFlow.Tensor;
export type Tensor1D = TensorFlow.Tensor1D;
export type Tensor2D = TensorFlow.Tensor2D;
export type Tensor4D = TensorFlow.Tensor4D;
export type Scalar = TensorFlow.Scalar;
export type Variable = TensorFlow.Variable;
