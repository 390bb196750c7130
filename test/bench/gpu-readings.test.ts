import { describe, expect, it } from 'vitest';
import '../../bench/gpu/child.ts';
import { ratios } from '../../bench/gpu/figures.ts';
import { readSamples } from '../../bench/gpu/gpu-samples.ts';
import { kernelTimes, readTrace } from '../../bench/gpu/kernel-times.ts';
import { countNodes, createPlacement } from '../../bench/gpu/placement-log.ts';
import { epochsIn, planParts, trainingSize } from '../../bench/gpu/plan.ts';

const on = (run: number, name: string, op: string, device: string) =>
  `I0000 00:00:1795740147.7 21419 executor.cc:879] Process node: 7 step ${run} {{node ${name}}} = ${op}[T=DT_FLOAT, _device="/job:localhost/replica:0/task:0/device:${device}"](a, b:1, ^c) device: /job:localhost/replica:0/task:0/device:${device}`;

describe('the log of placements', () => {
  it('counts the nodes of a step by device and operation, each node once', () => {
    const { read, nodes } = createPlacement();
    for (const line of [
      on(1, 'state2', 'AssignVariableOp', 'GPU:0'),
      on(1, 'state3', 'AssignVariableOp', 'GPU:0'),
      on(1, 'state4', 'AssignVariableOp', 'GPU:0'),
      on(1, 'state5', 'AssignVariableOp', 'GPU:0'),
      on(2, 'step0_0_1', 'Conv2D', 'GPU:0'),
      on(2, 'step0_0_1', 'Conv2D', 'GPU:0'),
      on(2, 'step0_0_2', 'Conv2D', 'GPU:0'),
      on(2, 'step0_0_3', 'ImageProjectiveTransformV3', 'CPU:0'),
      'something else',
    ])
      read(line);
    expect(countNodes(nodes())).toEqual(
      new Map([
        ['GPU:0', new Map([['Conv2D', 2]])],
        ['CPU:0', new Map([['ImageProjectiveTransformV3', 1]])],
      ]),
    );
  });

  it('keeps what TensorFlow says of libraries that it misses, once', () => {
    const { read, warnings } = createPlacement();
    for (const time of ['1.0', '2.0'])
      read(`W0000 00:00:${time} 77 gpu_device.cc:2342] Cannot dlopen some GPU libraries.`);
    expect(warnings()).toEqual(['Cannot dlopen some GPU libraries.']);
  });
});

describe('the kernels of a step', () => {
  // Two steps of 10 ms: kernels that overlap for 1 ms, and a copy; before them one kernel of the warm-up.
  const ms = (value: number) => value * 1e6;
  const step = (at: number) =>
    [
      `kernel ${ms(at)} ${ms(at + 3)}\tgemm`,
      `kernel ${ms(at + 2)} ${ms(at + 4)}\tbatch_norm`,
      `copy ${ms(at + 8)} ${ms(at + 9)}\thost to device 4096`,
      `kernel ${ms(at + 9)} ${ms(at + 10)}\tgemm`,
    ].join('\n');
  const times = kernelTimes(
    readTrace(`kernel 0 ${ms(50)}\twarm-up\n${step(100)}\nnot a record\n${step(110)}\n`),
    2,
    10,
  );

  it('are those of the last steps, a time in which two ran counted once', () => {
    expect(times).toMatchObject({ busy: 6, idle: 4, kernels: 3, copiedBytes: 4096 });
  });

  it('are summed by name, the longest first', () => {
    expect(times.byName).toEqual([
      { name: 'gemm', milliseconds: 4, count: 2 },
      { name: 'batch_norm', milliseconds: 2, count: 1 },
      { name: 'copy, host to device', milliseconds: 1, count: 1 },
    ]);
  });
});

describe('samples of the GPU', () => {
  it('give the highest memory and the median of the share in which it was busy', () => {
    expect(readSamples('100, 0\n9000, 98\n8000, 96\n7000, 97\n')).toEqual({ peakMebibytes: 9000, busy: 96.5 });
  });

  it('are nothing where nvidia-smi says something else', () => {
    expect(readSamples('No devices were found\n')).toBeNull();
  });
});

it('loads no TensorFlow to plan and to start parts, which would hold memory of the GPU', () => {
  const { sharedObjects } = process.report.getReport() as unknown as { readonly sharedObjects: readonly string[] };
  expect(sharedObjects.filter((path) => path.includes('tensorflow'))).toEqual([]);
});

describe('the plan', () => {
  const options = { tiny: false, python: 'python3', data: '/data', trainingSeconds: 300 };

  it('has the step whose speed decides about the training before the training', () => {
    const names = planParts(options).map(({ name }) => name);
    expect(names.indexOf(`${trainingSize}, ours`)).toBeGreaterThanOrEqual(0);
    expect(names.indexOf('training')).toBeGreaterThan(names.indexOf(`${trainingSize}, ours`));
    expect(new Set(names).size).toBe(names.length);
  });

  it('leaves the peer and the training out where they cannot be had', () => {
    const names = planParts({ ...options, python: null, data: null }).map(({ part }) => part);
    expect(names).not.toContain('pytorch-step');
    expect(names).not.toContain('training');
  });

  it('trains for as many epochs as the time allows, and at least one', () => {
    expect(epochsIn(250, 9000, 45_000)).toBe(40);
    expect(epochsIn(10, 10, 45_000)).toBe(1);
  });
});

it('compares the steps of both sides where both took them', () => {
  const step = (part: string, value: number) => ({ part, figure: 'step', value, unit: 'ms' });
  expect(ratios([step('a, ours', 100), step('a, torch.compile', 120), step('b, ours', 5), step('bits', 1)])).toEqual([
    { part: 'a, ours', figure: 'times as fast as torch.compile', value: 1.2 },
  ]);
});
