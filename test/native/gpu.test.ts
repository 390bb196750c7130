import { afterEach, describe, expect, it } from 'vitest';
import { bindingCheck } from '../../native/doctor.ts';
import { describeGpu, missedLibraries, readGpus, readGpuUse, whyNoGpu } from '../../native/gpu.ts';
import { trainerEnvironment } from '../../native/paths.ts';

const h100 = 'NVIDIA H100 80GB HBM3, 580.65.06, 9.0, 81559';

/** In the words of TensorFlow's loader and of its GPU device. */
const withoutCudnn = `
W0000 00:00:1 77 dso_loader.cc:60] Could not load dynamic library 'libcudnn.so.9'; dlerror: libcudnn.so.9: cannot open shared object file: No such file or directory
W0000 00:00:1 77 gpu_device.cc:2342] Cannot dlopen some GPU libraries. Please make sure the missing libraries mentioned above are installed properly if you would like to use GPU.
Skipping registering GPU devices...`;
const withoutDriver =
  'E0000 00:00:1 77 cuda_platform.cc:51] failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)';

describe('what the driver says of the GPUs', () => {
  it('is read line by line', () => {
    expect(readGpus(`${h100}\nTesla V100-SXM2-16GB, 535.1, 7.0, 16160\n`)).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', driver: '580.65.06', computeCapability: '9.0', memoryMiB: 81559 },
      { name: 'Tesla V100-SXM2-16GB', driver: '535.1', computeCapability: '7.0', memoryMiB: 16160 },
    ]);
  });

  it('is none where it answers with something else', () => {
    expect(readGpus('No devices were found\n')).toEqual([]);
    expect(readGpus('')).toEqual([]);
  });

  it.each([
    [h100, 'bfloat16'],
    ['Tesla V100, 535.1, 7.0, 16160', 'float16'],
    ['Tesla P100, 535.1, 6.0, 16280', 'float32'],
  ])('tells which precision a GPU is made for: %s', (line, precision) => {
    expect(readGpus(line).map(describeGpu).join()).toMatch(
      new RegExp(`, compute capability .*precision: ${precision}$`),
    );
  });
});

describe('what the GPUs are doing', () => {
  it('is read line by line', () => {
    expect(readGpuUse('0, 1523, 81559, 42\n1, 0, 81559, 0\n')).toEqual([
      { index: '0', usedMiB: 1523, totalMiB: 81559, utilization: 0.42 },
      { index: '1', usedMiB: 0, totalMiB: 81559, utilization: 0 },
    ]);
  });

  it('leaves out what the driver does not say, and is none where it answers with something else', () => {
    expect(readGpuUse('0, 10, 9856, [N/A]\n')).toEqual([
      { index: '0', usedMiB: 10, totalMiB: 9856, utilization: null },
    ]);
    expect(readGpuUse('0, [N/A], [N/A], 0\n')).toEqual([]);
    expect(readGpuUse('Failed to initialize NVML\n')).toEqual([]);
  });
});

describe('a GPU that was chosen and is not used', () => {
  it('is a fault that names the libraries which TensorFlow missed, each once', () => {
    expect(missedLibraries(withoutCudnn)).toEqual(['libcudnn.so.9']);
    const check = bindingCheck('gpu', { version: '2.21.0', device: 'cpu', log: withoutCudnn });
    expect(check.ok).toBe(false);
    expect(check.found).toBe('TensorFlow 2.21.0 computes on the CPU: it does not find libcudnn.so.9');
    expect(check.fix).toContain('contrail setup --device gpu');
  });

  it('is a fault that repeats what the driver said', () => {
    expect(whyNoGpu(withoutDriver)).toContain('UNKNOWN ERROR (303)');
  });

  it('is none where the CPU was chosen, or the GPU is used', () => {
    expect(bindingCheck('cpu', { version: '2.21.0', device: 'cpu', log: withoutCudnn }).ok).toBe(true);
    expect(bindingCheck('gpu', { version: '2.21.0', device: 'gpu', log: '' }).ok).toBe(true);
  });
});

describe('the environment of a trainer', () => {
  const names = ['TF_DETERMINISTIC_OPS', 'TF_CUDNN_DETERMINISTIC', 'CONTRAIL_DEVICE'] as const;
  afterEach(() => {
    for (const name of names) delete process.env[name];
  });

  it('asks for the same bits every time, and for the GPU, where the GPU was chosen', () => {
    expect(trainerEnvironment('gpu')).toMatchObject({
      TF_DETERMINISTIC_OPS: '1',
      TF_CUDNN_DETERMINISTIC: '1',
      CONTRAIL_DEVICE: 'gpu',
    });
  });

  it('leaves what the user set', () => {
    Object.assign(process.env, { TF_DETERMINISTIC_OPS: '0', TF_CUDNN_DETERMINISTIC: '0', CONTRAIL_DEVICE: 'any' });
    expect(trainerEnvironment('gpu')).toMatchObject({
      TF_DETERMINISTIC_OPS: '0',
      TF_CUDNN_DETERMINISTIC: '0',
      CONTRAIL_DEVICE: 'any',
    });
  });

  it('has none of it where the CPU was chosen, unless the user asks for a GPU', () => {
    for (const name of names) expect(trainerEnvironment('cpu')).not.toHaveProperty(name);
    process.env.CONTRAIL_DEVICE = 'gpu';
    expect(trainerEnvironment('cpu')).toMatchObject({ CONTRAIL_DEVICE: 'gpu' });
  });
});
