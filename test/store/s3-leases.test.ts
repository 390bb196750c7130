import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import {
  acquireLease,
  addVersion,
  assertCurrent,
  bytesOf,
  digestOfJson,
  loadCurrent,
  loadVersions,
  openCheckpoints,
  openStore,
  type Store,
} from '../../store/index.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import type { BadNetwork, PassingRequest } from '../s3/proxy.ts';
import { type S3Server, whyNoS3Server } from '../s3/server.ts';

const missing = await whyNoS3Server();
const key = { run: 'run', step: 'pretrain' };

/** Two writers of one training, or of one model, on a server whose listings are old and whose answers are lost. */
describe.skipIf(missing)(`two writers on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  let network: BadNetwork;
  let stop: (() => Promise<void>) | undefined;
  let [one, two]: Store[] = [];

  beforeAll(async () => {
    ({ server, network, stop } = await startS3BehindNetwork());
  });
  afterAll(() => stop?.());
  beforeEach(async () => {
    network.decide = () => null;
    const url = server.storeUrl(randomUUID());
    [one, two] = [openStore(url), openStore(url)];
  });

  const isListing = ({ method, url }: PassingRequest) => method === 'GET' && url.includes('list-type');
  /** As if every listing had been made before anything was written. */
  const listNothing = () => {
    network.decide = (request) =>
      isListing(request) ? { replace: (xml: string) => xml.replaceAll(/<Contents>.*?<\/Contents>/gs, '') } : null;
  };
  const stores = () => [one as Store, two as Store] as const;
  const checkpoint = (value: number) => ({
    ...{ epoch: 1, step: 0, config: {}, best: { epoch: 1, loss: 1 }, metadata: {} },
    metrics: { loss: 1, learningRate: 1, imagesPerSecond: 1, seconds: 1 },
    tensors: [{ name: 'w', dtype: 'F32' as const, shape: [1], data: bytesOf(Float32Array.of(value)) }],
  });

  it('take a lease one after the other, though no listing shows what the other did', async () => {
    const [a, b] = stores();
    listNothing();
    const first = await acquireLease(a, key, 'first');
    await assertCurrent(first);
    const second = await acquireLease(b, key, 'second');
    expect([first.token, second.token]).toEqual([1, 2]);
    await expect(assertCurrent(first)).rejects.toMatchObject({
      code: 'StaleLease',
      message: expect.stringMatching(/^first lost run\/pretrain to second \(token 1, now 2\)/),
    });
    await assertCurrent(second);
    await expect(openCheckpoints(a, key).commit(first, checkpoint(1))).rejects.toMatchObject({ code: 'StaleLease' });
    expect((await openCheckpoints(b, key).commit(second, checkpoint(2))).token).toBe(2);
  });

  it('have a token each, whichever answers are lost', async () => {
    let count = 0;
    network.decide = ({ method }) => (method === 'PUT' && count++ % 2 === 0 ? 'lost-answer' : null);
    const taken = await Promise.all(
      Array.from({ length: 6 }, (_, index) => acquireLease(stores()[index % 2] as Store, key, `attempt ${index}`)),
    );
    expect(taken.map(({ token }) => token).sort()).toEqual([1, 2, 3, 4, 5, 6]);
    network.decide = () => null;
    const current = await Promise.allSettled(taken.map(assertCurrent));
    expect(current.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('do not hold a lease for lost, nor for theirs, where the server does not say', async () => {
    const [a] = stores();
    const lease = await acquireLease(a, key, 'first');
    network.decide = ({ method }) => (method === 'GET' ? { answer: 403, code: 'AccessDenied' } : null);
    await expect(assertCurrent(lease)).rejects.toMatchObject({ code: 'StoreUnreadable' });
    await expect(openCheckpoints(a, key).commit(lease, checkpoint(1))).rejects.toMatchObject({
      code: 'StoreUnreadable',
    });
    network.decide = () => null;
    expect(await openCheckpoints(a, key).names()).toEqual([]);
  });

  it('add versions to a model, and know the newest though no listing shows it', async () => {
    const [a, b] = stores();
    const artifact = { kind: 'encoder', digest: digestOfJson(1) } satisfies ArtifactRef;
    const candidate = {
      ...{ model: 'm', run: 'run', step: 'promote', encoder: artifact, classifier: artifact, evaluation: artifact },
      ...{ metrics: { top1: 1, top5: 1, macroF1: 1, knn: 1 }, testSet: digestOfJson(1), reason: 'better' },
    };
    let count = 0;
    network.decide = ({ method }) => (method === 'PUT' && count++ % 3 === 0 ? 'lost-answer' : null);
    const added = await Promise.all(stores().map((store) => addVersion(store, { ...candidate, version: 1 })));
    expect(added.filter((each) => each !== null)).toHaveLength(1);
    listNothing();
    await addVersion(a, { ...candidate, version: 2 });
    await addVersion(b, { ...candidate, version: 3 });
    expect((await loadVersions(a, 'm')).map(({ version }) => version)).toEqual([1, 2, 3]);
    expect((await loadCurrent(b, 'm'))?.version).toBe(3);
    expect(JSON.parse(new TextDecoder().decode(await a.read('models/m/current.json'))).version).toBe(3);
  });
});
