import { describe, expect, it } from 'vitest';
import { bfloat16Pays, type Convolution, convolutionOf } from '../../training/capture/convolution-cost.ts';
import type { GraphNode } from '../../training/capture/graph.ts';
import { multipliesBfloat16 } from '../../training/capture/processor.ts';

const square = (images: number, side: number, inputs: number, outputs: number, kernel: number): Convolution => ({
  input: [images, side, side, inputs],
  kernel: [kernel, kernel, inputs, outputs],
  output: [images, side, side, outputs],
});
const withInstructions = { device: 'cpu', bfloat16: true } as const;

describe('bfloat16 on a CPU that multiplies it', () => {
  it.each([
    ['the first stage of the small ResNet, 16 channels', square(32, 32, 16, 16, 3)],
    ['its last stage, 16 images', square(32, 8, 64, 64, 3)],
    ['the last stage of the one with 32 channels, 16 images', square(32, 8, 128, 128, 3)],
  ])('pays for %s', (_, convolution) => {
    expect(bfloat16Pays(convolution, withInstructions)).toBe(true);
  });

  it.each([
    ['maps of 4x4', square(256, 4, 128, 128, 3)],
    ['the last stage of ResNet50V2 at 32x32, one pixel', square(64, 1, 512, 512, 3)],
    ['more weights than activations', square(2, 8, 512, 512, 3)],
  ])('does not pay for %s', (_, convolution) => {
    expect(bfloat16Pays(convolution, withInstructions)).toBe(false);
  });
});

describe('bfloat16', () => {
  it('always pays on a GPU, and never on a CPU that has to emulate it', () => {
    const large = square(256, 32, 32, 32, 3);
    const small = square(2, 1, 512, 512, 3);
    for (const convolution of [large, small]) {
      expect(bfloat16Pays(convolution, { device: 'gpu', bfloat16: false })).toBe(true);
      expect(bfloat16Pays(convolution, { device: 'cpu', bfloat16: false })).toBe(false);
    }
  });

  it('is found among the flags of a CPU', () => {
    expect(multipliesBfloat16('model name\t: x\nflags\t\t: fpu avx512f avx512_bf16 amx_tile\n')).toBe(true);
    expect(multipliesBfloat16('flags\t\t: fpu amx_bf16 amx_tile\n')).toBe(true);
    expect(multipliesBfloat16('flags\t\t: fpu avx2 avx512f\nmodel name\t: avx512_bf16\n')).toBe(false);
    expect(multipliesBfloat16('')).toBe(false);
  });
});

describe('the sizes of a convolution', () => {
  const convolution = square(4, 8, 3, 5, 3);
  const shapes = new Map([
    ['x', convolution.input],
    ['w', convolution.kernel],
    ['y', convolution.output],
    ['sizes', [4]],
  ]);
  const node = (name: string, op: string, inputs: string[]): GraphNode => ({
    name,
    op,
    inputs,
    control: [],
    attributes: {},
    outputs: [1],
  });

  it('are the same for it and for both of its gradients', () => {
    expect(convolutionOf(node('y', 'Conv2D', ['x', 'w']), shapes)).toEqual(convolution);
    expect(convolutionOf(node('x', 'Conv2DBackpropInput', ['sizes', 'w', 'y']), shapes)).toEqual(convolution);
    expect(convolutionOf(node('w', 'Conv2DBackpropFilter', ['x', 'sizes', 'y']), shapes)).toEqual(convolution);
  });

  it('are unknown where one of them is', () => {
    expect(convolutionOf(node('z', 'Conv2D', ['x', 'w']), shapes)).toBeUndefined();
  });
});
