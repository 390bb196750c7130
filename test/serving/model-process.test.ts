/** TensorFlow in a process of its own: its answers are those of the evaluation, whatever else is asked, and its end is told. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadSplit } from '../../datasets/index.ts';
import { openClassifier } from '../../evaluation/open-classifier.ts';
import { classify } from '../../evaluation/softmax-classifier.ts';
import { trainerEnvironment } from '../../native/paths.ts';
import { type ModelProcess, startModelProcess } from '../../serving/process/model-process.ts';
import { openEncoder } from '../../training/index.ts';
import { type SmallModel, smallModel } from './small-model.ts';

let model: SmallModel;
let images: Uint8Array;
let count: number;
const lines: string[] = [];
const start = (options: object = {}): Promise<ModelProcess> =>
  startModelProcess({
    ...{ storeUrl: model.storeUrl, encoder: model.encoder, classifier: model.classifier },
    ...{ environment: trainerEnvironment(), log: (line: string) => void lines.push(line) },
    ...options,
  });
beforeAll(async () => {
  model = await smallModel();
  ({ images, count } = await loadSplit(model.store, model.dataset, 'test'));
});

describe('a model in a process of its own', () => {
  it('answers what the evaluation computes', async () => {
    const { infer, about, close } = await start();
    const { embeddings, logits } = await infer(images, count);
    const frozen = await openEncoder(model.store, model.encoder);
    const features = await frozen.features(images, count);
    expect(about.encoder).toEqual(frozen.about);
    expect(embeddings.length).toBe(features.length);
    expect(Math.max(...embeddings.map((value, at) => Math.abs(value - (features[at] ?? Number.NaN))))).toBeLessThan(
      1e-4,
    );
    const classifier = await openClassifier(model.store, model);
    const { dimension } = frozen;
    const wanted = classify(classifier, { features, count, dimension });
    frozen.dispose();
    expect(about.classifier?.classes).toHaveLength(3);
    const found = (logits ?? new Float32Array()).map(Math.exp);
    for (let row = 0; row < count; row++) {
      const own = found.subarray(3 * row, 3 * row + 3);
      const sum = own.reduce((a, b) => a + b, 0);
      own.forEach((value, at) => void expect(value / sum).toBeCloseTo(wanted[3 * row + at] ?? Number.NaN, 4));
    }
    await close();
  });

  it('gives an image the same bits in whichever batch it is', async () => {
    const { infer, close } = await start();
    const bytes = images.length / count;
    const all = await infer(images, count);
    const { dimension } = (await infer(images.subarray(0, bytes), 1)).embeddings.length
      ? { dimension: all.embeddings.length / count }
      : { dimension: 0 };
    const differing: string[] = [];
    for (const size of [1, 2, 8, 20, 32, count])
      for (const from of [0, 5, 17].filter((each) => each + size <= count)) {
        const part = await infer(images.subarray(from * bytes, (from + size) * bytes), size);
        const same = Buffer.compare(
          Buffer.from(part.embeddings.slice().buffer),
          Buffer.from(all.embeddings.slice(from * dimension, (from + size) * dimension).buffer),
        );
        if (same !== 0) differing.push(`${size} from ${from}`);
      }
    expect(differing).toEqual([]);
    await close();
  });

  it('fails all that it was asked when it dies, and all that it is asked later, and tells of its end', async () => {
    const { infer, pid, onEnd, close } = await start();
    const ends: string[] = [];
    onEnd(({ message }) => void ends.push(message));
    const asked = [infer(images, count), infer(images, count)];
    process.kill(pid, 'SIGKILL');
    for (const each of await Promise.allSettled(asked))
      expect(each).toMatchObject({ reason: { code: 'TrainerCrashed', message: expect.stringContaining('SIGKILL') } });
    await expect(infer(images, count)).rejects.toMatchObject({ code: 'TrainerCrashed' });
    expect(ends).toEqual([expect.stringContaining('was ended by SIGKILL')]);
    await close();
  });

  it('answers the next request after one that it refuses', async () => {
    const { infer, close } = await start({ classifier: null });
    await expect(infer(images.subarray(1), count)).rejects.toMatchObject({ code: 'InvalidInput' });
    const { logits } = await infer(images, count);
    expect(logits).toBeNull();
    await close();
    await expect(infer(images, count)).rejects.toMatchObject({ code: 'TrainerCrashed' });
  });

  it('says what keeps the model from being loaded', async () => {
    const missing = { kind: 'encoder', digest: '0'.repeat(64) };
    await expect(start({ encoder: missing, classifier: null })).rejects.toMatchObject({ code: 'CorruptArtifact' });
  });

  it('is ended where it does not run any more, also while nothing is asked of it', async () => {
    const { pid, onEnd, infer } = await start({ beatTimeoutMs: 1000 });
    const ended = new Promise<Error>(onEnd);
    process.kill(pid, 'SIGSTOP');
    expect(await ended).toMatchObject({
      ...{ code: 'TrainerStalled', message: expect.stringContaining('did not run for 1 s') },
    });
    await expect(infer(images, count)).rejects.toMatchObject({ code: 'TrainerStalled' });
  });

  it('is not ended while it computes for longer than a beat may take', async () => {
    const { infer, close } = await start({ beatTimeoutMs: 1000 });
    const many = 3000;
    const bytes = images.length / count;
    const { embeddings } = await infer(new Uint8Array(many * bytes), many);
    expect(embeddings.length % many).toBe(0);
    await close();
  });

  it('is ended where it does not answer any more', async () => {
    const { infer, pid, limitSilence } = await start({ beatTimeoutMs: 60_000 });
    await infer(images, count);
    limitSilence(2000);
    process.kill(pid, 'SIGSTOP');
    await expect(infer(images, count)).rejects.toMatchObject({ code: 'TrainerStalled' });
  });
});
