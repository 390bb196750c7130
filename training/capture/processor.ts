import { readFileSync } from 'node:fs';
import { backend } from './backend.ts';

/** What decides how fast reduced types are here. */
export interface Processor {
  readonly device: 'cpu' | 'gpu';
  /** The CPU multiplies matrices of bfloat16 itself (AVX512-BF16 or AMX). */
  readonly bfloat16: boolean;
}

/** The processor that TensorFlow computes on. Only Linux tells a CPU's instructions; elsewhere none are assumed. */
export function processor(): Processor {
  return {
    device: backend().isUsingGpuDevice ? 'gpu' : 'cpu',
    bfloat16: multipliesBfloat16(process.platform === 'linux' ? readFileSync('/proc/cpuinfo', 'utf8') : ''),
  };
}

/** @param cpuinfo Linux's description of the CPUs */
export const multipliesBfloat16 = (cpuinfo: string): boolean => /^flags\s*:.*\b(avx512_bf16|amx_bf16)\b/m.test(cpuinfo);
