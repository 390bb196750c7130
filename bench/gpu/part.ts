import { writeSync } from 'node:fs';
import type { Tell } from './figures.ts';

/** A part in its process: `part.ts NAME OPERANDS`. Each figure is a line on file 3. */

/** Parts are loaded one at a time: most of them load TensorFlow. */
const parts: Readonly<Record<string, () => Promise<(operands: never, tell: Tell) => Promise<void>>>> = {
  machine: async () => (await import('./parts/machine.ts')).machine,
  placement: async () => (await import('./parts/placement.ts')).placement,
  'take-steps': async () => (await import('./parts/take-steps.ts')).takeSteps,
  losses: async () => (await import('./parts/losses.ts')).losses,
  tests: async () => (await import('./parts/tests.ts')).tests,
  agreement: async () => (await import('./parts/agreement.ts')).agreement,
  bits: async () => (await import('./parts/bits.ts')).bits,
  killed: async () => (await import('./parts/killed.ts')).killed,
  'our-step': async () => (await import('./parts/our-step.ts')).ourStep,
  'pytorch-step': async () => (await import('./parts/pytorch-step.ts')).pytorchStep,
  replicas: async () => (await import('./parts/replicas.ts')).replicas,
  compile: async () => (await import('./parts/compile.ts')).compile,
  kernels: async () => (await import('./parts/kernels.ts')).kernels,
  'out-of-memory': async () => (await import('./parts/out-of-memory.ts')).outOfMemory,
  training: async () => (await import('./parts/training.ts')).training,
};

const [, , name = '', operands = '{}'] = process.argv;
const load = parts[name];
if (!load) throw new Error(`There is no part ${name}.`);
const part = await load();
await part(JSON.parse(operands) as never, (figure, value, unit) => {
  writeSync(3, `${JSON.stringify({ figure, value, ...(unit === undefined ? {} : { unit }) })}\n`);
});
// A connection or a peer that is slow to end must not keep the next part waiting.
process.exit(0);
