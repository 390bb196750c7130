import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkStore, openCheckpoints } from '../../store/index.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import type { BadNetwork, Fault, PassingRequest } from '../s3/proxy.ts';
import { bucket, type S3Server, whyNoS3Server } from '../s3/server.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/**
 * A pipeline whose store is on an S3 server, behind a network that loses answers, breaks and delays them and is away for seconds, while
 * trainers are killed in the middle of an upload: it must end with the same bits as one whose store is a folder of this machine.
 */
const missing = await whyNoS3Server();
const epochs = 3;
const run = 'on-s3';

describe.skipIf(missing)(`a run whose store is on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  let network: BadNetwork;
  let stop: (() => Promise<void>) | undefined;
  let environment: TestEnvironment;
  let reference: Record<string, Record<string, unknown>>;

  beforeAll(async () => {
    const local = await startTestEnvironment();
    await local.start('reference', smallPipeline({ epochs }), false, { useCache: false });
    reference = await local.result('reference');
    await local.stop();
    ({ server, network, stop } = await startS3BehindNetwork());
    environment = await startTestEnvironment([], server.storeUrl('e2e'));
  }, 300_000);
  afterAll(async () => {
    await environment?.stop();
    await stop?.();
  }, 60_000);

  it('ends with the same bits as one in a folder, whatever breaks, and leaves nothing half', {
    timeout: 300_000,
  }, async () => {
    const done: string[] = [];
    let [count, states, away] = [0, 0, 0];
    const killTrainer = (what: string) => {
      done.push(what);
      void environment.killTrainer(run).catch(() => done.push('no trainer to kill'));
    };
    network.decide = ({ method, url }: PassingRequest): Fault => {
      count++;
      if (method === 'PUT' && url.includes(`/${run}/`) && url.includes('state.safetensors')) {
        states++;
        if (states === 2) {
          // The state never arrives, and its writer is dead.
          killTrainer('killed before the state arrived');
          return 'refused';
        }
        if (states === 4) {
          // It arrives, and nobody is left to write its manifest.
          killTrainer('killed after the state arrived');
          return 'lost-answer';
        }
        if (states === 5) away = Date.now() + 2000;
      }
      if (Date.now() < away) return { answer: 503, code: 'SlowDown' };
      if (count % 23 === 0) return { answer: 503, code: 'ServiceUnavailable' };
      if (count % 29 === 0) return 'lost-answer';
      if (count % 31 === 0) return 'refused';
      if (count % 37 === 0) return { cutAfter: 40 };
      if (count % 41 === 0) return { slowMs: 30 };
      return null;
    };
    await environment.start(run, smallPipeline({ epochs }), false, { useCache: false });
    const result = await environment.result(run);
    network.decide = () => null;
    expect(done).toEqual(['killed before the state arrived', 'killed after the state arrived']);
    expect(result.pretrain?.digest).toBe(reference.pretrain?.digest);
    expect(result.pretrain?.encoder).toEqual(reference.pretrain?.encoder);
    expect(result.evaluate).toEqual(reference.evaluate);

    const { problems, orphans, artifacts } = await checkStore(environment.store);
    expect(problems).toEqual([]);
    expect(artifacts).toBeGreaterThanOrEqual(3);
    // What the trainer that was killed after its upload left, which the next one gave up.
    for (const { path } of orphans)
      expect(path).toMatch(/\/checkpoints\/epoch-[^/]+\/(state\.safetensors|manifest\.json)$/);
    const kept = await openCheckpoints(environment.store, { run, step: 'pretrain' }).list();
    expect(new Set(kept.filter(({ manifest }) => manifest.step === 0).map(({ manifest }) => manifest.epoch))).toEqual(
      new Set([1, 2, 3]),
    );
    const uploads = await fetch(`${server.endpoint}/${bucket}?uploads`).then((answer) => answer.text());
    expect(uploads).not.toContain('<UploadId>');
    console.log(`${network.seen.length} requests, ${states} states sent`);
  });
});
