import type { Tensor } from '../tensorflow.ts';
import type { NativeTensor, NodeBackend, OpAttribute } from './backend.ts';
import { CaptureError } from './errors.ts';

/** What is told of all that the backend does. */
export interface Watcher {
  /** @returns the results to go on with */
  readonly executed: (results: NativeTensor[]) => NativeTensor[];
  readonly beforeExecution: (operands: readonly Tensor[]) => void;
  readonly execute: (
    op: string,
    attributes: readonly OpAttribute[],
    operands: readonly Tensor[],
    results: readonly Tensor[],
  ) => void;
  readonly isRecorded: (dataId: object) => boolean;
}

let allowed = 0;

/** Lets the recorder itself use what it forbids to the step. */
export function unwatched<T>(work: () => T): T {
  allowed++;
  try {
    return work();
  } finally {
    allowed--;
  }
}

/** Puts the watcher between tfjs and the native side. @returns a function that takes it out again */
export function watch(target: NodeBackend, watcher: Watcher): () => void {
  const { executeSingleOutput, executeMultipleOutputs, readSync, read } = target;
  const { binding } = target;
  const { random } = Math;
  const refuseRead = (dataId: object) => {
    if (allowed === 0 && watcher.isRecorded(dataId))
      throw new CaptureError(
        'The step reads a value of a tensor in JavaScript, which a graph cannot. Return the tensor as an output instead.',
      );
  };
  const bypassed = (what: string): never => {
    throw new CaptureError(
      `A kernel of the step calls ${what} without the backend, so it cannot be recorded. Use other operations.`,
    );
  };
  Object.assign(target, {
    executeSingleOutput: (op: string, attributes: readonly OpAttribute[], operands: readonly Tensor[]) => {
      watcher.beforeExecution(operands);
      const result = unwatched(() => executeSingleOutput.call(target, op, attributes, operands));
      watcher.execute(op, attributes, operands, [result]);
      return result;
    },
    executeMultipleOutputs: (
      op: string,
      attributes: readonly OpAttribute[],
      operands: readonly Tensor[],
      count: number,
    ) => {
      watcher.beforeExecution(operands);
      const results = unwatched(() => executeMultipleOutputs.call(target, op, attributes, operands, count));
      watcher.execute(op, attributes, operands, results);
      return results;
    },
    readSync: (dataId: object) => {
      refuseRead(dataId);
      return readSync.call(target, dataId);
    },
    read: (dataId: object) => {
      refuseRead(dataId);
      return read.call(target, dataId);
    },
  });
  target.binding = Object.create(binding, {
    executeOp: {
      value: (...operands: Parameters<NodeBackend['binding']['executeOp']>) =>
        allowed > 0 ? watcher.executed(binding.executeOp(...operands)) : bypassed(operands[0]),
    },
    runSavedModel: { value: () => bypassed('another graph') },
  });
  Math.random = () => {
    throw new CaptureError(
      'The step draws random numbers in JavaScript, which would be the same at every run of the graph. Use a stateless draw with a seed that is an input.',
    );
  };
  return () => {
    for (const name of ['executeSingleOutput', 'executeMultipleOutputs', 'readSync', 'read'] as const)
      delete (target as Partial<Record<typeof name, unknown>>)[name];
    target.binding = binding;
    Math.random = random;
  };
}
