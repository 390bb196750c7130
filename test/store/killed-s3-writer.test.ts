import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { checkStore, float32, openCheckpoints, openStore, type Store } from '../../store/index.ts';
import { parseS3Url } from '../../store/s3/address.ts';
import { connectS3 } from '../../store/s3/connection.ts';
import { abortStaleUploads } from '../../store/s3/listing.ts';
import { startS3BehindNetwork } from '../s3/behind-network.ts';
import type { BadNetwork, Fault, PassingRequest } from '../s3/proxy.ts';
import { bucket, type S3Server, whyNoS3Server } from '../s3/server.ts';

/** Real processes that commit states of 17 MiB, which travel in two parts, and are killed or stopped at a request of theirs. */
const missing = await whyNoS3Server();
const program = fileURLToPath(new URL('./processes/commit-forever.ts', import.meta.url));
const mebibytes = '17';

interface Writer {
  readonly child: ChildProcess;
  /** Resolves with the epoch once that many have been reported. */
  readonly reported: (epoch: number) => Promise<void>;
  readonly last: () => number;
  /** What it wrote to its standard error, once it is gone. */
  readonly ended: Promise<string>;
}

function startWriter(url: string): Writer {
  const child = spawn(process.execPath, ['--import', 'tsx', program, url, mebibytes], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [said, error] = ['', ''];
  const last = () => Number(said.trim().split('\n').at(-1));
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    for (const look of waiting) look();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    error += text;
  });
  const ended = new Promise<string>((resolve) => child.once('close', () => resolve(error)));
  const reported = (epoch: number) =>
    Promise.race([
      new Promise<void>((resolve) => {
        const look = () => last() >= epoch && resolve();
        waiting.add(look);
        look();
      }),
      ended.then((why) => Promise.reject(new Error(`the writer ended: ${why}`))),
    ]);
  return { child, reported, last, ended };
}

/** Waits until a process is stopped. */
const stopped = ({ pid }: ChildProcess): Promise<void> =>
  expect
    .poll(async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.[0], { timeout: 30_000 })
    .toBe('T');

/** Of a commit, one request after the other. */
const moments: Readonly<Record<string, (request: PassingRequest) => boolean>> = {
  'the upload is begun': ({ method, url }) => method === 'POST' && url.includes('?uploads'),
  'its second part is sent': ({ method, url }) => method === 'PUT' && url.includes('partNumber=2'),
  'its parts are joined': ({ method, url }) => method === 'POST' && url.includes('uploadId='),
  'the state is read back': ({ method, url }) => method === 'GET' && url.includes('state.safetensors'),
  'its manifest is sent': ({ method, url }) => method === 'PUT' && /epoch-[^/]+\/manifest\.json/.test(url),
};

describe.skipIf(missing)(`a writer on an S3 server${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: S3Server;
  let network: BadNetwork;
  let stop: (() => Promise<void>) | undefined;
  const running = new Set<ChildProcess>();
  beforeAll(async () => {
    ({ server, network, stop } = await startS3BehindNetwork());
  });
  afterEach(() => {
    network.decide = () => null;
    for (const child of running) child.kill('SIGKILL');
    running.clear();
  });
  afterAll(() => stop?.());

  const start = (url: string) => {
    const writer = startWriter(url);
    running.add(writer.child);
    return writer;
  };
  const unfinished = async () =>
    (await fetch(`${server.endpoint}/${bucket}?uploads`).then((answer) => answer.text())).split('<UploadId>').length -
    1;
  /** Whatever is listed is whole, has its own epoch in it, and is what was reported last or newer. */
  async function expectWhole(store: Store, atLeast: number, why?: string): Promise<void> {
    const checkpoints = openCheckpoints(store, { run: 'run', step: 'pretrain' });
    const { newest, rejected } = await checkpoints.newestValid();
    expect(newest?.manifest.epoch, why).toBeGreaterThanOrEqual(atLeast);
    const tensor = newest?.tensors.get('w');
    expect(tensor && float32(tensor).every((value) => value === newest?.manifest.epoch)).toBe(true);
    for (const { reason } of rejected)
      expect(reason, why).toMatch(
        /^manifest\.json is missing$|^it was not finished when pid \d+ took the training over$/,
      );
    expect((await checkStore(store)).problems, why).toEqual([]);
  }

  it('killed at any request of a commit leaves what it committed, and the next one goes on', {
    timeout: 400_000,
  }, async () => {
    const url = server.storeUrl('killed');
    let reported = 0;
    // The request never arrives; then one that does, and its sender is dead.
    for (const [what, is] of Object.entries(moments))
      for (const fate of ['refused', null] as const) {
        const writer = start(url);
        await writer.reported(reported + 1);
        network.decide = (request): Fault => {
          if (!is(request)) return null;
          writer.child.kill('SIGKILL');
          network.decide = () => null;
          return fate;
        };
        await writer.ended;
        reported = writer.last();
        await expectWhole(
          openStore(url),
          reported,
          `killed when ${what}, which ${fate ? 'does not arrive' : 'arrives'}`,
        );
      }
    await start(url).reported(reported + 1);
  });

  it('what a killed one has sent of a state is swept away', async () => {
    const name = 'swept';
    const before = await unfinished();
    const { child, ended, reported } = start(server.storeUrl(name));
    await reported(1);
    network.decide = (request) => {
      if (!moments['its second part is sent']?.(request)) return null;
      child.kill('SIGKILL');
      network.decide = () => null;
      return null;
    };
    await ended;
    expect(await unfinished()).toBe(before + 1);
    const at = await connectS3(parseS3Url(server.storeUrl(name)))();
    expect(await abortStaleUploads({ at, bucket, prefix: `${name}/` }, -5000)).toBe(1);
    expect(await unfinished()).toBe(before);
  });

  it('stopped in an upload until another one has its lease: its commit is refused, and nothing of the other is touched', async () => {
    const url = server.storeUrl('overtaken');
    const first = start(url);
    await first.reported(1);
    network.decide = (request) => {
      if (!moments['its second part is sent']?.(request)) return null;
      first.child.kill('SIGSTOP');
      network.decide = () => null;
      return null;
    };
    await stopped(first.child);
    const second = start(url);
    await second.reported(first.last() + 1);
    first.child.kill('SIGCONT');
    expect(await first.ended).toMatch(/StaleLease/);
    await second.reported(second.last() + 1);
    second.child.kill('SIGKILL');
    await second.ended;
    const store = openStore(url);
    await expectWhole(store, second.last());
    const names = (await openCheckpoints(store, { run: 'run', step: 'pretrain' }).list()).map((each) => each.name);
    expect(names.filter((each) => each.endsWith('-t2')).length).toBeGreaterThanOrEqual(2);
    const files = await store.list('runs/run/steps/pretrain/checkpoints');
    // A server may list a folder that is empty.
    const withFiles = new Set(files.map(({ path }) => path.split('/').at(-2)));
    expect([...withFiles].filter((each) => each?.endsWith('-t1'))).toEqual(
      names.filter((each) => each.endsWith('-t1')),
    );
  });
});
