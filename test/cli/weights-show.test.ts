import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { weightsShowCommand } from '../../cli/commands/weights/show.ts';
import { encodeSafetensors } from '../../store/index.ts';
import { samples } from '../weights/golden.ts';
import { digestOf, sendFile, startServer, type TestServer } from '../weights/hub.ts';

const sample = samples().find(({ title }) => title.startsWith('DINOv2 of transformers'));
if (!sample) throw new Error('the sample is there');
const content = Buffer.from(sample.file);
const sha256 = digestOf(content);
let folder = '';
let hub: TestServer;

beforeAll(async () => {
  // Each call of the command listens for an interrupt.
  process.setMaxListeners(30);
  folder = await mkdtemp(join(tmpdir(), 'contrail-test-'));
  // As the hub: a redirect that says the digest, then the file.
  hub = await startServer((response, request) => {
    if (request.url?.startsWith('/blob')) sendFile(content, response, request);
    else response.writeHead(302, { location: '/blob', 'x-linked-etag': `"${sha256}"` }).end();
  });
  vi.stubEnv('CONTRAIL_HOME', folder);
  vi.stubEnv('HF_ENDPOINT', hub.origin);
  vi.stubEnv('HF_HOME', join(folder, 'hf'));
  await writeFile(join(folder, 'own.safetensors'), content);
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  hub.close();
  await rm(folder, { recursive: true, force: true });
});

const options = { tensors: false, json: false };
/** What the command prints. */
async function shown(named: string, more: object = {}): Promise<string> {
  const written: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0);
  expect(await weightsShowCommand(named, { ...options, ...more })).toBe(0);
  vi.restoreAllMocks();
  return written.join('');
}

describe('contrail weights show', () => {
  it('says of a file what a pipeline has to say to start from it', async () => {
    const path = join(folder, 'own.safetensors');
    const text = await shown(path);
    expect(text).toContain('tensors (F16)');
    expect(text).toContain('It looks like a vit, by the names of transformers.');
    expect(text).toMatch(/encoder: \{ name: vit, patch: 14, registers: 0, grid: 2 \}/);
    const weights = `{ path: "${path}", sha256: ${sha256}, names: transformers }`;
    expect(text).toContain(`initialWeights: ${weights}\n    normalise: imagenet\n`);
    expect(text).toContain('a step that uses load-encoder takes it as it is');
    expect(text).toContain(`    weights: ${weights}\n    normalise: imagenet\n`);
    expect(text).toContain('No file of weights says how pixels were normalised.');
  });

  it('says of an export its settings and how its images were normalised', async () => {
    const exported = join(folder, 'exported');
    await mkdir(exported, { recursive: true });
    const path = join(exported, 'encoder.safetensors');
    const tensor = (name: string, shape: number[]) => ({
      ...({ name, dtype: 'F32', shape } as const),
      data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
    });
    const tensors = [tensor('stem_conv/kernel', [3, 3, 1, 4]), tensor('stage1_block1_1_conv/kernel', [3, 3, 4, 4])];
    await writeFile(path, Buffer.concat(encodeSafetensors(tensors)));
    const model = join(exported, 'model.json');
    const encoder = {
      encoder: { name: 'small-resnet', channels: 4, blocks: [1], stemStride: 2 },
      dimension: 4,
      image: { height: 64, width: 64, channels: 1, mean: [0.25], deviation: [0.5] },
      trainingState: '0'.repeat(64),
      epochs: 3,
      batchNormImages: 0,
    };
    await writeFile(model, JSON.stringify({ encoder, classifier: null }));
    const text = await shown(path);
    expect(text).toContain('It looks like a small-resnet, by the names of Contrail.');
    expect(text).toContain('    encoder: { name: small-resnet, channels: 4, blocks: [1], stemStride: 2 }\n');
    expect(text).toContain('names: contrail }\n    normalise: { mean: [0.25], deviation: [0.5] }\n');
    await writeFile(model, '{ "encoder": 1 }');
    const guessed = await shown(path);
    expect(guessed).toContain('The model.json beside it cannot be read: it is no description of an encoder.');
    expect(guessed).toContain('    encoder: { name: small-resnet, channels: 4, blocks: [1] }\n');
    await rm(model);

    await writeFile(path, Buffer.concat(encodeSafetensors([...tensors, tensor('adapter_output/kernel', [4, 2])])));
    const adapted = await shown(path);
    expect(adapted).toContain('It is an encoder with an adapter (a small-resnet, by the names of Contrail)');
    expect(adapted).toContain('contrail export <run> --step <its step>');
    expect(adapted).not.toContain('initialWeights');
  });

  it('suggests no settings that a pipeline cannot have', async () => {
    const path = join(folder, 'strange.safetensors');
    const tensor = { name: 'stage1_block1_1_conv/kernel', dtype: 'F32', shape: [0], data: new Uint8Array(0) } as const;
    const stem = { ...tensor, name: 'stem_conv/kernel', shape: [0, 0, 0, 9000] };
    await writeFile(path, Buffer.concat(encodeSafetensors([tensor, stem])));
    const text = await shown(path);
    expect(text).toContain('of settings that Contrail does not have (channels: 9000)');
    expect(text).not.toContain('encoder:');
    await writeFile(path, Buffer.concat(encodeSafetensors([stem])));
    expect(await shown(path)).toContain('1 tensor (F32)');
  });

  it('names every tensor where that is asked for, and is read by machines', async () => {
    const path = join(folder, 'own.safetensors');
    expect(await shown(path, { tensors: true })).toMatch(/embeddings\.cls_token +F16 +1 x 1 x 8/);
    expect(JSON.parse(await shown(path, { json: true }))).toMatchObject({
      sha256,
      bytes: content.length,
      types: { F16: 43 },
    });
  });

  it('fetches a file of the hub, keeps it for a training, and does not fetch it again', async () => {
    const text = await shown('hf:org/name@v1', { file: 'vit.safetensors' });
    expect(text).toContain(
      `initialWeights: { from: "hf:org/name@v1", file: vit.safetensors, sha256: ${sha256}, names: transformers }`,
    );
    expect(await readdir(join(folder, 'cache/weights'))).toEqual([`${sha256}.safetensors`]);
    await shown('hf:org/name@v1', { file: 'vit.safetensors' });
    expect(hub.asked.map(({ path }) => path)).toEqual([
      '/org/name/resolve/v1/vit.safetensors',
      '/blob',
      '/org/name/resolve/v1/vit.safetensors',
    ]);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    await expect(weightsShowCommand('hf:org/name@v2', options)).rejects.toThrow(/HF_HUB_OFFLINE forbids/);
    vi.stubEnv('HF_HUB_OFFLINE', '');
  });

  it('refuses what is no address, and no weights', async () => {
    await expect(weightsShowCommand('hf:org/name', options)).rejects.toMatchObject({ code: 'Usage' });
    await expect(weightsShowCommand('x', { ...options, file: 'y' })).rejects.toMatchObject({ code: 'Usage' });
    await writeFile(join(folder, 'model.pth'), 'PK\u0003\u0004 and so on');
    await expect(weightsShowCommand(join(folder, 'model.pth'), options)).rejects.toThrow(
      /can run code and are not read/,
    );
    await expect(weightsShowCommand(join(folder, 'none'), options)).rejects.toThrow(/ENOENT/);
  });
});
