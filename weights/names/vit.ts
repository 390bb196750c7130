import { type Family, named, renamed } from './family.ts';

/** From timm's names to those that `Dinov2Model`, `Dinov2WithRegistersModel` and `ViTModel` of transformers share. */
const shared: readonly (readonly [RegExp, string])[] = [
  [/^cls_token$/, 'embeddings.cls_token'],
  [/^reg_token$/, 'embeddings.register_tokens'],
  [/^pos_embed$/, 'embeddings.position_embeddings'],
  [/^patch_embed\.proj\./, 'embeddings.patch_embeddings.projection.'],
  [/^norm\./, 'layernorm.'],
  [/^blocks\.(\d+)\.attn\.qkv\./, 'encoder.layer.$1.attention.attention.'],
  [/^blocks\.(\d+)\.attn\.proj\./, 'encoder.layer.$1.attention.output.dense.'],
  [/^blocks\.(\d+)\.ls([12])\.gamma$/, 'encoder.layer.$1.layer_scale$2.lambda1'],
];
const dinov2: typeof shared = [
  ...shared,
  [/^blocks\.(\d+)\.norm([12])\./, 'encoder.layer.$1.norm$2.'],
  [/^blocks\.(\d+)\.mlp\.fc([12])\./, 'encoder.layer.$1.mlp.fc$2.'],
];
const vitModel: typeof shared = [
  ...shared,
  [/^blocks\.(\d+)\.norm1\./, 'encoder.layer.$1.layernorm_before.'],
  [/^blocks\.(\d+)\.norm2\./, 'encoder.layer.$1.layernorm_after.'],
  [/^blocks\.(\d+)\.mlp\.fc1\./, 'encoder.layer.$1.intermediate.dense.'],
  [/^blocks\.(\d+)\.mlp\.fc2\./, 'encoder.layer.$1.output.dense.'],
];

const isScale = (name: string) => /\.ls[12]\.gamma$/.test(name);
/** A network without LayerScale computes what one with scales of 1 does. */
const scale = (name: string, has: (name: string) => boolean) =>
  has(name) ? named(name) : ({ from: [], join: 'ones' } as const);

/**
 * Vision transformers: ViT (arXiv:2010.11929) and DINOv2 (arXiv:2304.07193) with registers (arXiv:2309.16588).
 *
 * With registers, timm keeps no position for the class token: it is added to the token. transformers keeps both apart.
 */
export const vit: Family = {
  ownNames: 'timm',
  layoutOf: (name) => {
    if (name === 'patch_embed.proj.weight') return 'convolution';
    return /\.(attn\.(qkv|proj)|mlp\.fc[12])\.weight$/.test(name) ? 'linear' : 'same';
  },
  timm: (name, has) => (isScale(name) && !has('blocks.0.ls1.gamma') ? scale(name, has) : named(name)),
  transformers: (name, has) => {
    const isDino = has('encoder.layer.0.norm1.weight');
    const theirs = renamed(name, isDino ? dinov2 : vitModel);
    if (theirs === null) return null;
    if (isScale(name) && !isDino) return scale(theirs, has);
    if (has('embeddings.register_tokens')) {
      if (name === 'cls_token')
        return { from: [theirs, 'embeddings.position_embeddings'], join: 'class-token-and-position' };
      if (name === 'pos_embed') return { from: [theirs], join: 'positions-of-patches' };
    }
    const [, before, end] = /^(encoder\.layer\.\d+\.attention\.attention\.)(weight|bias)$/.exec(theirs) ?? [];
    if (before === undefined) return named(theirs);
    return { from: ['query', 'key', 'value'].map((part) => `${before}${part}.${end}`), join: 'stacked' };
  },
  base: ['vit.', 'dinov2.', 'dinov2_with_registers.'],
  leftover: /^(head\.|head_dist\.|classifier\.|fc\.|fc_norm\.|pooler\.|embeddings\.mask_token$|mask_token$)/,
};
