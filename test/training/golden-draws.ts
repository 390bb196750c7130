import type { ParameterSpec, Variables } from '../../training/parameters.ts';
import { type Tensor, tf } from '../../training/tensorflow.ts';

/** Golden files carry no weights: both sides draw them from mulberry32 seeded by FNV-1a of the weight's name. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** @returns numbers of [0, 1) */
export function mulberry32(seed: number, count: number): Float64Array {
  const draws = new Float64Array(count);
  let state = seed;
  for (let index = 0; index < count; index++) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    draws[index] = ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  return draws;
}

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** A tensor of draws by its name, each turned into a value. */
export const drawn = (name: string, shape: readonly number[], value: (u: number) => number): Tensor =>
  tf.tensor(Float32Array.from(mulberry32(fnv1a(name), size(shape)), value), [...shape]);

/** From -1 to 1. */
export const signed = (name: string, shape: readonly number[]): Tensor => drawn(name, shape, (u) => 2 * u - 1);

export const variablesOf = (parameters: readonly ParameterSpec[], value: (spec: ParameterSpec) => Tensor): Variables =>
  new Map(parameters.map((spec) => [spec.name, tf.variable(value(spec), spec.trainable)]));
