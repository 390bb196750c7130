import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { childrenOf, ofProcess } from '../../bench/trainer-processes.ts';
import type { TrainerProgress } from '../../contracts/trainer.ts';
import { createTrainerHost, type TrainerHost, TrainerStopped } from '../../training/host.ts';

/** A job whose answer says nothing of models: these trainers answer that they stopped. */
const input = {
  run: 'run',
  step: 'measure',
  classifier: { kind: 'classifier', digest: 'a'.repeat(64) },
  encoder: { kind: 'encoder', digest: 'b'.repeat(64) },
  dataset: { kind: 'dataset', digest: 'c'.repeat(64) },
  parameters: {},
} as unknown as Parameters<TrainerHost['run']>[1] & { parameters: never };

const hosts: TrainerHost[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.closeAll()));
});

function hostOf(kind: string, lines: string[] = [], mayKeep = () => true): TrainerHost {
  const host = createTrainerHost({
    mayKeep,
    entry: new URL('./processes/strange-trainer.ts', import.meta.url),
    storeUrl: 'file:///nowhere',
    environment: { KIND: kind },
    log: (_, line) => lines.push(line),
    stopGraceMs: 500,
  });
  hosts.push(host);
  return host;
}

interface Options {
  readonly step?: string;
  readonly stallTimeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainerProgress) => void;
}

/** How a job ends: these trainers never finish one. */
const endOf = (host: TrainerHost, { step = input.step, ...options }: Options = {}): Promise<unknown> =>
  host
    .run('evaluate', { ...input, step } as never, {
      signal: new AbortController().signal,
      onProgress: () => {},
      stallTimeoutMs: 60_000,
      ...options,
    })
    .then(
      () => new Error('a job of these trainers gives no result'),
      (error: unknown) => error,
    );

/** Sends a signal to the trainers of this process that do not answer, once they run. */
async function signalTrainers(signal: NodeJS.Signals): Promise<void> {
  for (;;) {
    const silent = trainersThatAre('silent');
    for (const pid of silent) process.kill(pid, signal);
    if (silent.length > 0) return;
    await delay(20);
  }
}

/** Trainers of this process that are of a kind, and run. */
function trainersThatAre(kind: string): number[] {
  return childrenOf(process.pid).filter((pid) => ofProcess(pid, 'environ').split('\0').includes(`KIND=${kind}`));
}

const stopped = { name: 'TrainerStopped', at: { epoch: 3, step: 4 } };

describe('a message that cannot be read', () => {
  it.each([
    ['rate that is no number', 'imagesPerSecond'],
    ['wrong result', '"nothing":null'],
    ['unknown type', 'novelty'],
    ['foreign', '{"hello":1}'],
    ['string', '"xxxx'],
    ['nothing', 'null'],
    ['list', '[1,2]'],
    ['garbage', 'no JSON'],
    ['bytes', 'no JSON'],
    ['huge', 'longer than 64 MiB'],
    ['unreadable, then an answer', '{"hello":1}'],
  ])('ends its job alone, which names it: %s', async (kind, part) => {
    const error = await endOf(hostOf(kind));
    expect(error).toMatchObject({ name: 'ContrailError', code: 'TrainerCrashed' });
    const { message } = error as Error;
    expect(message).toContain(part);
    expect(message.length).toBeLessThan(700);
  });

  it('does not keep the next job from a trainer of its own', async () => {
    const host = hostOf('foreign');
    expect(await endOf(host)).toMatchObject({ code: 'TrainerCrashed' });
    expect(await endOf(host)).toMatchObject({ code: 'TrainerCrashed' });
  });

  it('is passed over where it concerns no job that goes on', async () => {
    const host = hostOf('answer, then garbage');
    expect(await endOf(host)).toMatchObject(stopped);
    expect(await endOf(hostOf('answer to another job'))).toMatchObject(stopped);
  });
});

it('a loss that is no number is told as null, and the training goes on to say so itself', async () => {
  const told: TrainerProgress[] = [];
  const onProgress = (progress: TrainerProgress) => told.push(progress);
  expect(await endOf(hostOf('loss that is no number'), { onProgress })).toMatchObject(stopped);
  expect(told).toEqual([{ phase: 'epoch 1', done: 1, total: 2, unit: 'steps', loss: null }]);
});

it('what goes wrong where progress is heard ends that job alone', async () => {
  const onProgress = () => {
    throw new Error('nobody listens');
  };
  expect(await endOf(hostOf('loss that is no number'), { onProgress })).toMatchObject({ message: 'nobody listens' });
});

describe('a trainer that ends', () => {
  it('by itself crashed, with its exit code and last words, of which none is long', async () => {
    expect(await endOf(hostOf('end without an answer'))).toMatchObject({
      code: 'TrainerCrashed',
      message: 'The trainer of run/measure ended with exit code 3.',
    });
    const { message } = (await endOf(hostOf('last words'))) as Error;
    expect(message).toContain('ended with exit code 4. Its last lines: the reason | yyy');
    expect(message.length).toBeLessThan(3000);
  });

  it('by a signal crashed, and the next job has another', async () => {
    const lines: string[] = [];
    const host = hostOf('environment', lines);
    expect(await endOf(host)).toMatchObject(stopped);
    const silent = hostOf('silent');
    const ending = endOf(silent);
    await signalTrainers('SIGKILL');
    expect(await ending).toMatchObject({
      code: 'TrainerCrashed',
      message: expect.stringContaining('was ended by SIGKILL') as unknown,
    });
    expect(await endOf(host)).toMatchObject(stopped);
    expect(lines).toHaveLength(2);
  });

  it('because it cannot be started crashed, and says why', async () => {
    const path = process.execPath;
    process.execPath = '/nowhere/node';
    try {
      expect(await endOf(hostOf('well'))).toMatchObject({
        code: 'TrainerCrashed',
        message: expect.stringMatching(/could not be started: .*ENOENT/) as unknown,
      });
    } finally {
      process.execPath = path;
    }
  });
});

it('a trainer waits for its next job; where memory is short, it ends if another waits', async () => {
  let isShort = false;
  const host = hostOf('well', [], () => !isShort);
  const doEach = async (...steps: string[]) => {
    for (const step of steps) expect(await endOf(host, { step })).toMatchObject(stopped);
  };
  const until = async (count: number) => {
    while (trainersThatAre('well').length !== count) await delay(20);
  };
  await doEach('a', 'b');
  await until(2);
  const before = trainersThatAre('well');
  isShort = true;
  await doEach('c');
  await until(2);
  expect(trainersThatAre('well')).toEqual(before);
  await doEach('a');
  await until(1);
  // The only one that is left waits on: a lone training never begins each epoch anew.
  await doEach('b', 'b');
  await until(1);
  expect(trainersThatAre('well')).toEqual(before.slice(1));
});

describe('a trainer that says nothing', () => {
  it('stalled, and is ended', async () => {
    expect(await endOf(hostOf('silent'), { stallTimeoutMs: 300 })).toMatchObject({
      code: 'TrainerStalled',
      message: 'The trainer of run/measure said nothing for 0.3 s and was ended.',
    });
  });

  it('stalled, also where it was halted', async () => {
    const host = hostOf('silent');
    const ending = endOf(host, { stallTimeoutMs: 1500 });
    await signalTrainers('SIGSTOP');
    expect(await ending).toMatchObject({ code: 'TrainerStalled' });
  });

  it('is ended after its time of grace where it was asked to stop', async () => {
    const stopping = new AbortController();
    const ending = endOf(hostOf('silent'), { signal: stopping.signal });
    stopping.abort();
    const error = await ending;
    expect(error).toBeInstanceOf(TrainerStopped);
    expect(error).toMatchObject({ at: null });
  });
});

it('a trainer has the variables of a list, and no secret of its worker', async () => {
  process.env.TEMPORAL_API_KEY = 'secret-key';
  process.env.TEAM_WEBHOOK = 'https://hook/secret-path';
  process.env.OMP_NUM_THREADS = '1';
  try {
    const lines: string[] = [];
    expect(await endOf(hostOf('environment', lines))).toMatchObject(stopped);
    const environment = JSON.parse(lines.join('')) as Record<string, string>;
    expect(environment).toMatchObject({ KIND: 'environment', OMP_NUM_THREADS: '1', PATH: process.env.PATH });
    expect(JSON.stringify(environment)).not.toContain('secret');
    expect(Object.keys(environment).filter((name) => /TEMPORAL|WEBHOOK|VITEST/.test(name))).toEqual([]);
  } finally {
    delete process.env.TEMPORAL_API_KEY;
    delete process.env.TEAM_WEBHOOK;
    delete process.env.OMP_NUM_THREADS;
  }
});
