import { processor } from '../training/capture/processor.ts';

/** Those worth measuring here. Where bfloat16 would be emulated, ours is the float32 graph and Keras's takes minutes a step. */
export function precisions(): readonly ('float32' | 'bfloat16')[] {
  const { device, bfloat16 } = processor();
  return device === 'gpu' || bfloat16 ? ['float32', 'bfloat16'] : ['float32'];
}
