import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as onnx from 'onnxruntime-web/wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedProcesses } from '../../cli/dev-record.ts';
import { exportedBeside } from '../../cli/exported-model.ts';
import type { Home } from '../../home/home.ts';
import { decodeSafetensors } from '../../store/index.ts';
import { loadExported } from '../../training/capture/export.ts';
import { runCommand } from '../e2e/command.ts';
import { answerOf, commands, expectedOf, homeIn, releaseNames, unpack } from './release.ts';

/** What a person asks of what an earlier release left: its runs, models and exports, without a server that knows them. */
onnx.env.wasm.numThreads = 1;
onnx.env.logLevel = 'error';

describe.each(releaseNames())('what release %s left', (release) => {
  let folder: string;
  let home: Home;
  beforeAll(() => {
    folder = unpack(release);
    home = homeIn(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(commands)('`contrail %s` answers as the release did', async (command) => {
    const expected = expectedOf(release).answers[command];
    expect(expected).toBeDefined();
    // What a later version tells besides is no loss.
    expect(await answerOf(home, command)).toMatchObject(expected as object);
  });

  it('has a report that is drawn anew', async () => {
    const { code, stderr } = await runCommand(home, ['report', 'complete'], { TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect(code, stderr).toBe(0);
  });

  it('has a home whose record of processes is read', () =>
    expect(recordedProcesses(home)).toEqual({ server: 0, worker: 0, keeper: 0, port: 7233, uiPort: 8233 }));

  it('has an export that says what it is, with weights that can be read', async () => {
    const weights = join(folder, 'export', 'encoder.safetensors');
    expect(exportedBeside(weights)).toMatchObject({ encoder: { name: 'small-resnet', channels: 4 } });
    expect(decodeSafetensors(await readFile(weights)).tensors.size).toBeGreaterThan(5);
  });

  it('has an export whose SavedModel and ONNX file give the same embeddings', async () => {
    const { image } = (
      JSON.parse(await readFile(join(folder, 'export', 'model.json'), 'utf8')) as {
        readonly encoder: {
          readonly image: { readonly height: number; readonly width: number; readonly channels: number };
        };
      }
    ).encoder;
    const shape = [3, image.height, image.width, image.channels];
    const values = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, at) => (at * 31) % 256);
    const session = await onnx.InferenceSession.create(await readFile(join(folder, 'export', 'model.onnx')));
    const theirs = (await session.run({ images: new onnx.Tensor('uint8', values, shape) })).embedding
      ?.data as Float32Array;
    await session.release();
    const model = loadExported(join(folder, 'export', 'saved_model'));
    const [ours] = model.run({ dtype: 'uint8', shape, values }, 'images', ['embedding']) as [Float32Array];
    model.close();
    expect(ours.length).toBeGreaterThan(3);
    expect(theirs.length).toBe(ours.length);
    for (const [at, value] of ours.entries()) expect(Math.abs(value - (theirs[at] ?? Number.NaN))).toBeLessThan(1e-4);
  });
});
