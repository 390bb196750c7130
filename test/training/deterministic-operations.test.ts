import { describe, expect, it } from 'vitest';
import { openOurs } from '../../bench/ours.ts';
import { resnet50v2, smallResnet } from '../../bench/workloads.ts';
import { lossNames } from '../../contracts/losses.ts';
import { everything } from './augmentation/given.ts';
import { together } from './fine-tuning/fine-tuned.ts';

/**
 * With TF_DETERMINISTIC_OPS=1 TensorFlow refuses these on a GPU, because its kernels there add in an order that changes. The first four
 * are refused always, the others for some operands. A step that is recorded runs them one by one, so TensorFlow names the one
 * that it refuses; here it is known beforehand, on a machine without a GPU.
 */
const refused = [
  'SoftmaxCrossEntropyWithLogits',
  'SparseSoftmaxCrossEntropyWithLogits',
  'SparseTensorDenseMatMul',
  'AdjustContrastv2',
  'Bincount',
  'DenseBincount',
  'CropAndResizeGradImage',
  'CropAndResizeGradBoxes',
  'ResizeNearestNeighborGrad',
  'DepthwiseConv2dNativeBackpropFilter',
  'DepthwiseConv2dNativeBackpropInput',
  'Dilation2DBackpropFilter',
  'Dilation2DBackpropInput',
  'FakeQuantWithMinMaxVarsGradient',
  'FakeQuantWithMinMaxVarsPerChannelGradient',
  'MaxPoolGradWithArgmax',
  'MaxPool3DGrad',
  'Conv3DBackpropFilterV2',
];

const small = smallResnet(4, [1, 1]);
const supcon = { supcon: { temperature: 0.1, scale: 'base', queue: 16 } };

describe('a captured step', () => {
  it.each([
    ['SupCon with a queue, Adam', { encoder: small, optimizer: 'adam', loss: supcon }],
    ['SupCon in bfloat16', { encoder: small, optimizer: 'adam', precision: 'bfloat16' }],
    ['SupCon in float16', { encoder: small, optimizer: 'sgd', precision: 'float16' }],
    ['cross-entropy, SGD', { encoder: small, optimizer: 'sgd', loss: { crossEntropy: { labelSmoothing: 0.1 } } }],
    ...lossNames.map(
      (loss) => [`${loss} in bfloat16`, { encoder: small, optimizer: 'adam', loss, precision: 'bfloat16' }] as const,
    ),
    [
      'SupCon, L_in with hard negatives',
      { encoder: small, optimizer: 'adam', loss: { supcon: { variant: 'in', hardNegatives: {} } } },
    ],
    [
      'every augmentation and small views',
      { encoder: small, optimizer: 'adam', augmentation: everything, multiCrop: { views: 2, size: 8 } },
    ],
    ['SupCon in parts', { encoder: small, optimizer: 'adam', loss: supcon, parts: { microbatch: 2 } }],
    [
      'SupCon in parts with joint batch normalisation',
      { encoder: small, optimizer: 'adam', parts: { microbatch: 2, syncBatchNorm: true } },
    ],
    ['fine-tuning', { encoder: small, optimizer: 'adam', fineTuning: together }],
    ['ResNet50V2', { encoder: resnet50v2(), optimizer: 'sgd' }],
  ] as const)('has no operation that a GPU refuses to do the same way twice: %s', (_, workload) => {
    const ours = openOurs({ ...workload, batch: 4 });
    try {
      ours.run(1);
      const operations = ours.captured?.report().operations ?? [];
      expect(operations).toContain('Conv2D');
      expect(operations.filter((operation) => refused.includes(operation))).toEqual([]);
    } finally {
      ours.dispose();
    }
  });
});
