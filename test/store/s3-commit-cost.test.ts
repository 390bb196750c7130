import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acquireLease, type Lease, openCheckpoints, openStore, type Store } from '../../store/index.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import type { BadNetwork } from '../s3/proxy.ts';
import { type S3Server, whyNoS3Server } from '../s3/server.ts';

const missing = await whyNoS3Server();
const key = { run: 'run', step: 'pretrain' };
const keep = { last: 2, best: 1 };
const stateBytes = 2 ** 20;

/** What the checkpoint of an epoch costs on an S3 server: requests, and bytes that pass the network. */
describe.skipIf(missing)(`a commit on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  let network: BadNetwork;
  let stop: (() => Promise<void>) | undefined;
  let store: Store;
  let lease: Lease;

  beforeAll(async () => {
    ({ server, network, stop } = await startS3BehindNetwork());
  });
  afterAll(() => stop?.());

  const checkpoints = () => openCheckpoints(store, key);
  const placeOf = (epoch: number) => `runs/run/steps/pretrain/checkpoints/epoch-00000${epoch}-t1`;
  const epoch = async (number: number) => {
    await checkpoints().commit(lease, {
      epoch: number,
      step: 0,
      config: {},
      metrics: { loss: 10 - number, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
      best: { epoch: number, loss: 10 - number },
      tensors: [{ name: 'w', dtype: 'U8', shape: [stateBytes], data: new Uint8Array(stateBytes).fill(number) }],
      metadata: {},
    });
    return checkpoints().retain(keep);
  };
  const begin = async () => {
    store = openStore(server.storeUrl(randomUUID()));
    lease = await acquireLease(store, key, 'first');
    for (const number of [1, 2, 3]) await epoch(number);
  };

  it('reads the state back once, and none of those that it has read before', async () => {
    await begin();
    const before = { ...network.carried, requests: network.seen.length };
    expect(await epoch(4)).toEqual(['epoch-000002-t1']);
    const requests = network.seen.slice(before.requests);
    const [up, down] = [network.carried.up - before.up, network.carried.down - before.down];
    console.log(`${requests.length} requests, ${up} bytes up, ${down} bytes down for a state of ${stateBytes} bytes`);
    expect(up / stateBytes).toBeLessThan(1.05);
    expect(down / stateBytes).toBeLessThan(1.05);
    expect(requests.length).toBeLessThanOrEqual(20);
  });

  it('reads a state again that was written again, and removes nothing while fewer than two are whole', async () => {
    await begin();
    for (const number of [2, 3]) {
      const state = await store.read(`${placeOf(number)}/state.safetensors`);
      state[state.length - 1] = 0;
      await store.write(`${placeOf(number)}/state.safetensors`, state);
    }
    expect(await checkpoints().retain({ last: 1, best: 0 })).toEqual([]);
    expect(await epoch(4)).toEqual([]);
    expect(await epoch(5)).toEqual([]);
    expect(await checkpoints().names()).toEqual([2, 3, 4, 5].map((number) => placeOf(number).split('/').at(-1)));
    for (const number of [4, 5]) await checkpoints().verify(`epoch-00000${number}-t1`);
  });

  it('has a process that has read nothing yet read what it keeps before an older one goes', async () => {
    await begin();
    store = openStore(store.url);
    const before = network.carried.down;
    expect(await epoch(4)).toEqual(['epoch-000002-t1']);
    // The one that was written, that before it, and that which goes.
    expect((network.carried.down - before) / stateBytes).toBeGreaterThan(2.9);
  });
});
