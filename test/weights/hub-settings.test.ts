import { describe, expect, it } from 'vitest';
import { ContrailError } from '../../contracts/errors.ts';
import { type HubWeights, hubFileOf, initialWeightsSchema } from '../../contracts/initial-weights.ts';
import { hubSettings, withHubWeights } from '../../weights/index.ts';

/** What is said about the hub, where no server is asked. */
const sha256 = '5'.repeat(64);
const weights: HubWeights = { from: 'hf:org/name@v1.0', sha256 };

describe('an address of the hub', () => {
  const parse = (from: string, more: object = {}) => initialWeightsSchema.safeParse({ from, sha256, ...more }).success;

  it('names a repository and a revision, and no way out of them', () => {
    expect(hubFileOf({ from: 'hf:timm/vit_base@0123abc' })).toEqual({
      repository: 'timm/vit_base',
      revision: '0123abc',
      file: 'model.safetensors',
    });
    for (const good of ['hf:a/b@main', 'hf:old@v1', 'hf:a/b.c_d-e@refs/pr/1']) expect(parse(good)).toBe(true);
    for (const bad of [
      'hf:a/b',
      'a/b@main',
      'hf:a/b/c@x',
      'hf:../b@x',
      'hf:a/b@../x',
      'hf:a/b@x/../y',
      'hf:a b@x',
      'hf:a/b@',
      'hf:a/b?c@x',
    ])
      expect([bad, parse(bad)]).toEqual([bad, false]);
    for (const file of ['../x', '/x', 'a//b', 'a/../b', '.x', 'a?b']) expect(parse('hf:a/b@x', { file })).toBe(false);
  });

  it('stands alone: not beside a path, and `file` not without it', () => {
    const both = { path: 'x', from: 'hf:a/b@x', sha256 };
    expect(initialWeightsSchema.safeParse(both).success).toBe(false);
    expect(initialWeightsSchema.safeParse({ path: 'x', file: 'y', sha256 }).success).toBe(false);
    expect(initialWeightsSchema.parse({ path: 'x', sha256 })).toEqual({ path: 'x', sha256 });
  });

  it('is read from an endpoint that is a URL without a password', () => {
    expect(hubSettings({ HF_ENDPOINT: 'https://mirror.example/hf/' }).endpoint).toBe('https://mirror.example/hf');
    expect(hubSettings({ HF_HUB_CACHE: '/c', HF_HOME: '/h' }).libraryCache).toBe('/c');
    for (const HF_ENDPOINT of ['mirror', 'ftp://x', 'https://me:secret@x', 'https://:secret@x'])
      expect(() => hubSettings({ HF_ENDPOINT })).toThrow(/^HF_ENDPOINT must be an http or https URL/);
  });
});

describe('a token', () => {
  it('is one word of characters that a header can hold, and is not said where it is not', () => {
    expect(hubSettings({ HF_TOKEN: ' hf_a\n' }).token).toBe('hf_a');
    for (const HF_TOKEN of ['hf_a\r\nx: y', 'hf_a b', 'hf_\u00e9', 'hf_\u200b'])
      expect(() => hubSettings({ HF_TOKEN })).toThrow(/^HF_TOKEN has spaces or other characters that no token has\./);
  });
});

describe('a trainer that needs weights of the hub', () => {
  const missing = new ContrailError('WeightsMissing', 'they are not here');

  it('is asked again once they are fetched, and only where it says that it lacks them', async () => {
    const given: (string | undefined)[] = [];
    const work = async (file: string | undefined) => {
      given.push(file);
      if (file !== '/fetched') throw missing;
      return 'trained';
    };
    expect(await withHubWeights(weights, '/c', async () => '/fetched', work)).toBe('trained');
    expect(given).toEqual([`/c/weights/${sha256}.safetensors`, '/fetched']);
    const never = async () => {
      throw new Error('it was fetched');
    };
    expect(await withHubWeights(weights, '/c', never, async () => 'resumed')).toBe('resumed');
    expect(await withHubWeights({ path: 'x', sha256 }, '/c', never, async (file) => file)).toBeUndefined();
    await expect(
      withHubWeights(
        weights,
        '/c',
        async () => '/gone',
        async () => Promise.reject(missing),
      ),
    ).rejects.toBe(missing);
  });
});
