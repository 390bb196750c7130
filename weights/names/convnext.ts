import { type Family, named, renamed } from './family.ts';

/** From timm's names to those of `ConvNextModel` of transformers. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/^stem\.0\./, 'embeddings.patch_embeddings.'],
  [/^stem\.1\./, 'embeddings.layernorm.'],
  [/^stages\.(\d+)\.downsample\.([01])\./, 'encoder.stages.$1.downsampling_layer.$2.'],
  [/^stages\.(\d+)\.blocks\.(\d+)\.gamma$/, 'encoder.stages.$1.layers.$2.layer_scale_parameter'],
  [/^stages\.(\d+)\.blocks\.(\d+)\.conv_dw\./, 'encoder.stages.$1.layers.$2.dwconv.'],
  [/^stages\.(\d+)\.blocks\.(\d+)\.norm\./, 'encoder.stages.$1.layers.$2.layernorm.'],
  [/^stages\.(\d+)\.blocks\.(\d+)\.mlp\.fc([12])\./, 'encoder.stages.$1.layers.$2.pwconv$3.'],
  [/^head\.norm\./, 'layernorm.'],
];

/** ConvNeXt (arXiv:2201.03545). */
export const convnext: Family = {
  ownNames: 'timm',
  layoutOf: (name) => {
    if (/\.conv_dw\.weight$/.test(name)) return 'depthwise';
    if (/\.mlp\.fc[12]\.weight$/.test(name)) return 'linear';
    return /^stem\.0\.weight$|\.downsample\.1\.weight$/.test(name) ? 'convolution' : 'same';
  },
  transformers: (name) => named(renamed(name, rules)),
  base: ['convnext.'],
  leftover: /^(head\.|classifier\.|fc\.)/,
};
