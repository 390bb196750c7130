import { type Family, named, renamed } from './family.ts';

/** Of a bottleneck block: `conv2` is the convolution, `bn2` the normalisation of the second layer. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/^conv1\./, 'embedder.embedder.convolution.'],
  [/^bn1\./, 'embedder.embedder.normalization.'],
  [/^downsample\.0\./, 'shortcut.convolution.'],
  [/^downsample\.1\./, 'shortcut.normalization.'],
];

/** The name in `ResNetModel` of transformers: it counts stages and layers from 0. */
function transformersName(name: string): string | null {
  const [, stage, block, rest] = /^layer([1-4])\.(\d+)\.(.+)$/.exec(name) ?? [];
  if (stage === undefined || rest === undefined) return renamed(name, rules);
  const [, kind, number, end] = /^(conv|bn)([123])\.(.+)$/.exec(rest) ?? [];
  const inner =
    kind === undefined
      ? renamed(rest, rules)
      : `layer.${Number(number) - 1}.${kind === 'conv' ? 'convolution' : 'normalization'}.${end}`;
  return inner === null ? null : `encoder.stages.${Number(stage) - 1}.layers.${block}.${inner}`;
}

/** ResNet (arXiv:1512.03385), by the names of timm, which are torchvision's. */
export const resnet50: Family = {
  ownNames: 'timm',
  layoutOf: (name) => (/(^|\.)(conv[123]|downsample\.0)\.weight$/.test(name) ? 'convolution' : 'same'),
  transformers: (name) => named(transformersName(name)),
  base: ['resnet.'],
  leftover: /^(fc\.|head\.|classifier\.)|(^|\.)num_batches_tracked$/,
};
