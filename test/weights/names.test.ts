import { describe, expect, it } from 'vitest';
import { type ForEncoder, matchWeights } from '../../weights/names/match.ts';
import { recognise } from '../../weights/names/recognise.ts';
import { type Network, networks } from './golden.ts';

const all = networks();
const network = (title: string): Network => all.find((each) => each.title === title) as Network;
const tiny = network('timm/convnext_tiny');
const dino = network('transformers, as vit_small_patch14_dinov2');

/** A network's file with some tensors changed, or taken out by null. */
const changed = ({ file }: Network, changes: Readonly<Record<string, readonly number[] | null>>) => {
  const tensors = new Map(file);
  for (const [name, shape] of Object.entries(changes))
    if (shape === null) tensors.delete(name);
    else tensors.set(name, { name, dtype: 'F32', shape });
  return tensors;
};
const renamed = ({ file }: Network, rename: (name: string) => string) =>
  new Map([...file.values()].map((tensor) => [rename(tensor.name), { ...tensor, name: rename(tensor.name) }]));

describe('the weights of whole networks', () => {
  it.each(all.map((each) => [each.title, each] as const))('%s are found by their names', (_, each) => {
    const match = matchWeights(each.file, each);
    expect(match.names).toBe(each.names);
    expect(match.recipes.size).toBe(each.wanted.length);
    expect(matchWeights(each.file, { encoder: each.encoder, wanted: each.wanted }).names).toBe(each.names);
  });

  it.each(all.map((each) => [each.title, each] as const))('%s are recognised', (_, each) => {
    expect(recognise(each.file)).toMatchObject({ encoder: each.encoder, names: each.names });
  });

  it('tell their settings by their shapes', () => {
    const settings = (title: string) => recognise(network(title).file)?.settings;
    expect(settings('timm/convnext_tiny')).toEqual({ size: 'tiny' });
    expect(settings('timm/convnext_small')).toEqual({ size: 'small' });
    expect(settings('timm/convnext_base')).toEqual({ size: 'base' });
    expect(settings('timm/vit_small_patch14_reg4_dinov2')).toEqual({
      size: 'small',
      patch: 14,
      registers: 4,
      grid: 37,
    });
    expect(settings('transformers, as vit_base_patch16_224')).toEqual({
      size: 'base',
      patch: 16,
      registers: 0,
      grid: 14,
    });
    expect(settings('timm/mobilenetv3_small_100')).toEqual({ size: 'small' });
  });

  it("are known for Contrail's by the order of their axes, and tell the same settings", () => {
    for (const each of all) {
      const { settings } = recognise(each.file) ?? {};
      const own = new Map(each.wanted.map(({ name, shape }) => [name, { shape }]));
      expect(recognise(own)).toMatchObject({ encoder: each.encoder, names: 'contrail' });
      // A network without LayerScale is kept with scales of 1.
      const { layerScale: _, ...kept } = { ...recognise(own)?.settings };
      const { layerScale: __, ...found } = { ...settings };
      if (each.encoder !== 'vit') expect(kept).toEqual(found);
    }
  });

  it('tell how many blocks the stages of a small ResNet have', () => {
    const tensor = (name: string, shape: readonly number[] = []) => [name, { shape }] as const;
    const names = ['stage1_block1', 'stage2_block1', 'stage2_block2', 'stage3_block1'];
    const file = new Map([
      tensor('stem_conv/kernel', [3, 3, 3, 24]),
      ...names.map((name) => tensor(`${name}_1_conv/kernel`)),
    ]);
    expect(recognise(file)?.settings).toEqual({ channels: 24, blocks: [1, 2, 1] });
  });

  it('leave the head of a classifier, and what counts batches, in the file', () => {
    expect(matchWeights(tiny.file, tiny).leftovers).toEqual(['head.fc.weight', 'head.fc.bias']);
    const resnet = network('timm/resnet50');
    const rest = matchWeights(resnet.file, resnet).leftovers;
    expect(rest.filter((name) => !name.endsWith('num_batches_tracked'))).toEqual(['fc.weight', 'fc.bias']);
    expect(matchWeights(dino.file, dino).leftovers).toEqual(['embeddings.mask_token']);
  });

  it("of Keras's ResNet50V2 have its names and layout, with or without its classifier", () => {
    const wanted = [{ name: 'conv1_conv/kernel', shape: [7, 7, 3, 64] }];
    const tensor = (name: string, shape: readonly number[]) => [name, { name, dtype: 'F32', shape }] as const;
    const file = new Map([tensor('conv1_conv/kernel', [7, 7, 3, 64]), tensor('predictions/kernel', [2048, 1000])]);
    const match = matchWeights(file, { encoder: 'resnet50v2', wanted });
    expect([match.names, match.leftovers]).toEqual(['keras', ['predictions/kernel']]);
    expect(match.recipes.get('conv1_conv/kernel')).toMatchObject({ join: 'one', layout: 'same' });
  });

  it('may stand inside other modules, where all do', () => {
    for (const prefix of ['model.', 'module.', 'backbone.', 'encoder.', 'module.model.encoder.'])
      expect(
        matchWeights(
          renamed(tiny, (name) => prefix + name),
          tiny,
        ).recipes.get('stem.0.weight')?.from,
      ).toEqual([`${prefix}stem.0.weight`]);
    const some = renamed(tiny, (name) => (name.startsWith('stem') ? name : `model.${name}`));
    expect(() => matchWeights(some, tiny)).toThrow(/has no tensor/);
  });

  it('of a vision transformer without scales get scales of 1', () => {
    const plain = network('timm/vit_base_patch16_224');
    const scaled = { encoder: 'vit', wanted: network('timm/vit_base_patch14_dinov2').wanted };
    const wanted = [...plain.wanted, ...scaled.wanted.filter(({ name }) => name.endsWith('.gamma'))];
    const ones = { from: [], join: 'ones', layout: 'same' };
    expect(matchWeights(plain.file, { encoder: 'vit', wanted }).recipes.get('blocks.3.ls2.gamma')).toEqual(ones);
    const theirs = network('transformers, as vit_base_patch16_224');
    expect(matchWeights(theirs.file, { encoder: 'vit', wanted }).recipes.get('blocks.3.ls2.gamma')).toEqual(ones);
    const half = changed(network('timm/vit_base_patch14_dinov2'), { 'blocks.3.ls2.gamma': null });
    expect(() => matchWeights(half, scaled)).toThrow(/has no tensor blocks\.3\.ls2\.gamma/);
  });
});

describe('a file that does not fit is refused', () => {
  const refusal = (file: Network['file'], want: ForEncoder, names?: Network['names']) => {
    try {
      matchWeights(file, { ...want, names });
    } catch (error) {
      expect(error).toMatchObject({ code: 'InvalidInput' });
      return (error as Error).message;
    }
    return 'it fitted';
  };

  it('by the name of a missing weight, there and here', () => {
    expect(refusal(changed(tiny, { 'stem.1.bias': null }), tiny)).toMatch(
      /^has no tensor stem\.1\.bias\. .*179 of 180/,
    );
    const key = 'encoder.layer.7.attention.attention.key.weight';
    expect(refusal(changed(dino, { [key]: null }), dino)).toMatch(
      /^has no tensor encoder\.layer\.7\.attention\.attention\.key\.weight, of which blocks\.7\.attn\.qkv\.weight of the encoder is made/,
    );
  });

  it('by a wrong shape, with what it is there, turned, and should be', () => {
    const name = 'stages.0.blocks.0.conv_dw.weight';
    expect(refusal(changed(tiny, { [name]: [96, 1, 5, 5] }), tiny)).toMatch(
      /^holds stages\.0\.blocks\.0\.conv_dw\.weight as F32 \[96,1,5,5\], in the encoder's order \[5,5,96,1\]; the encoder needs F32 \[7,7,96,1\]/,
    );
    const query = 'encoder.layer.0.attention.attention.query.weight';
    expect(refusal(changed(dino, { [query]: [384, 383] }), dino)).toMatch(
      /^holds encoder\.layer\.0\.attention\.attention\.query\.weight as F32 \[384,383\]; the encoder needs, as blocks\.0\.attn\.qkv\.weight F32 \[384,1152\]/,
    );
  });

  it('with the grid to write, where position embeddings are of another', () => {
    expect(refusal(changed(dino, { 'embeddings.position_embeddings': [1, 257, 384] }), dino)).toMatch(
      /of a grid of 16 x 16 patches: write `grid: 16`/,
    );
  });

  it('where it is of a deeper network, or another', () => {
    expect(refusal(network('timm/convnext_small').file, tiny)).toMatch(
      /holds tensors that convnext with these settings has no place for: stages\.2\.blocks\.9\.\S+, .* and \d+ more/,
    );
    const small = { ...tiny, settings: { name: 'convnext', size: 'tiny' } };
    expect(refusal(network('timm/convnext_small').file, small)).toMatch(
      /the file is of other settings: write `encoder: \{ name: convnext, size: small \}`\.$/,
    );
    const adapted = changed(tiny, { 'adapter_output/kernel': [768, 128], 'adapter_output/bias': [128] });
    expect(refusal(adapted, tiny)).toMatch(/holds an adapter, .* `contrail export <run> --step <step>` writes it/);
    expect(refusal(network('timm/resnet50').file, tiny)).toMatch(
      /the file looks like a resnet50: write `encoder: \{ name: resnet50 \}`\.$/,
    );
    expect(refusal(changed(tiny, { 'decoder.weight': [3] }), tiny)).toMatch(
      /a tensor .* no place for: decoder\.weight/,
    );
  });

  it('where a weight is of a type that is not read', () => {
    const quantised = new Map(tiny.file).set('stem.0.bias', { name: 'stem.0.bias', dtype: 'I8', shape: [96] });
    expect(refusal(quantised, tiny)).toMatch(/^holds stem\.0\.bias as I8; weights are read as F32, F16, BF16/);
  });

  it('where it is to be read by names that the encoder does not know', () => {
    const mobile = network('timm/mobilenetv3_large_100');
    expect(refusal(mobile.file, mobile, 'transformers')).toMatch(
      /cannot be read with `names: transformers`: mobilenetv3 knows timm, contrail/,
    );
  });

  it('where names and layouts of two fit, unless it is said whose they are', () => {
    const wanted = [{ name: 'conv1.weight', shape: [3, 3, 3, 3] }];
    const file = new Map([['conv1.weight', { name: 'conv1.weight', dtype: 'F32', shape: [3, 3, 3, 3] }]]);
    expect(() => matchWeights(file, { encoder: 'resnet50', wanted })).toThrow(/timm as well as of contrail/);
    expect(matchWeights(file, { encoder: 'resnet50', wanted, names: 'contrail' }).names).toBe('contrail');
  });
});
