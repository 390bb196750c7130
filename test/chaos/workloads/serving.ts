import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import sharp from 'sharp';
import { type BenchModel, promote } from '../../../bench/serve/model.ts';
import { childrenOf } from '../../../bench/trainer-processes.ts';
import { freePort } from '../../../cli/ports.ts';
import { superviseChild } from '../../../cli/processes.ts';
import type { ArtifactRef } from '../../../contracts/artifacts.ts';
import { servedBySchema } from '../../../contracts/serving.ts';
import type { Draw } from '../draw.ts';
import { clockFaults, diskFaults } from '../faults/disk.ts';
import { s3Faults } from '../faults/network.ts';
import { send } from '../processes.ts';
import { completeRun } from '../run.ts';
import { inEnvironment, type World } from '../world.ts';
import type { Struck, TrialOptions, TrialResult, Workload } from './workload.ts';

const [model, firstRun] = ['served', 'served-1'] as const;
const contrail = fileURLToPath(new URL('../../../cli/contrail.mjs', import.meta.url));
const startsWithinMs = 120_000;
const answersWithinMs = 30_000;
const clients = 4;
/** What a server may say that cannot answer just now. */
const patient = new Set([429, 503]);

const pipeline = (seed: number) => `
name: served
steps:
  data: { uses: prepare-data, with: { dataset: generated, generated: { classes: 3, images: 200, channels: 3 } } }
  pretrain:
    uses: pretrain
    needs: [data]
    with:
      encoder: { name: small-resnet, channels: 4, blocks: [1, 1] }
      projection: { hidden: 16, output: 8 }
      batch: 32
      epochs: 1
      seed: ${seed}
  probe: { uses: linear-probe, needs: [pretrain], with: { epochs: 5, batch: 64, learningRates: [0.05] } }
`;

/** `contrail serve` in a process of its own, which is started again when it has ended. */
interface Server {
  readonly url: string;
  readonly pid: () => number;
  /** The process that computes. */
  readonly modelPid: () => number | undefined;
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<void>;
  readonly stop: () => Promise<string>;
}

async function startServer({ home, environment }: World, options: readonly string[] = []): Promise<Server> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = () =>
    inEnvironment({ ...environment, CONTRAIL_HOME: home.folder, NO_COLOR: '1' }, () =>
      spawn(process.execPath, [contrail, 'serve', '--model', model, '--port', String(port), ...options], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
  let child: ChildProcess = start();
  const ended = async (signal: 'SIGKILL' | 'SIGTERM') => {
    child.kill(signal);
    return superviseChild(child).ended;
  };
  return {
    url,
    pid: () => child.pid ?? 0,
    modelPid: () => childrenOf(child.pid ?? 0)[0],
    end: async (signal) => {
      await ended(signal);
      child = start();
    },
    stop: () => ended('SIGTERM'),
  };
}

async function untilReady({ url }: Server): Promise<boolean> {
  const until = performance.now() + startsWithinMs;
  while (performance.now() < until) {
    if (
      await fetch(`${url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      return true;
    await sleep(100);
  }
  return false;
}

interface Asked {
  readonly status: number;
  readonly said: unknown;
  /** Which encoder it is of, and whether look-alikes were to be had: what it says is a function of both. */
  readonly of: string;
}

/** What the server says of the photo. */
async function ask({ url }: Server, photo: Uint8Array): Promise<Asked> {
  const answer = await fetch(`${url}/v1/predict`, {
    method: 'POST',
    body: photo,
    headers: { 'content-type': 'image/png' },
  });
  const content: unknown = await answer.json();
  if (answer.status !== 200) return { status: answer.status, said: content, of: '' };
  const { version: _, ...said } = servedBySchema.loose().parse(content);
  return { status: 200, said, of: `${said.encoder} ${said.index}` };
}

/** The photo that is asked about. */
const photo = (): Promise<Buffer> => {
  const pixels = Uint8Array.from({ length: 32 * 32 * 3 }, (_, at) => (at * 37) % 251);
  return sharp(pixels, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toBuffer();
};

/** Both models, and what is said of the photo by each, with and without look-alikes. */
interface Reference {
  readonly models: readonly BenchModel[];
  readonly said: Readonly<Record<string, unknown>>;
}

async function reference(world: World): Promise<Reference> {
  const models: BenchModel[] = [];
  for (const seed of [1, 2]) {
    const { pretrain, probe } = await completeRun(world, `served-${seed}`, pipeline(seed));
    models.push({ encoder: pretrain?.encoder as ArtifactRef, classifier: probe?.classifier as ArtifactRef });
  }
  const said: Record<string, unknown> = {};
  for (const each of models) {
    await promote(world.store, model, each, firstRun);
    const server = await startServer(world);
    if (!(await untilReady(server))) throw new Error('the server did not start, and nothing was done to it');
    // Its look-alikes are those of the images that it was trained on, once their index is made.
    for (;;) {
      const answer = await ask(server, await photo());
      said[answer.of] = answer.said;
      if (!answer.of.endsWith(' null')) break;
      await sleep(200);
    }
    await server.stop();
    // A server that has the index from its first answer on gives none without.
    const alone = await startServer(world, ['--no-training-index']);
    if (!(await untilReady(alone))) throw new Error('the server did not start, and nothing was done to it');
    const answer = await ask(alone, await photo());
    said[answer.of] = answer.said;
    await alone.stop();
  }
  return { models, said };
}

type ServerFault = readonly [
  name: string,
  weight: number,
  strike: (at: {
    readonly server: Server;
    readonly world: World;
    readonly draw: Draw;
    readonly models: readonly BenchModel[];
  }) => Promise<string | null>,
];

async function stopped(pid: number | undefined, ms: number): Promise<string | null> {
  if (pid === undefined || !send(pid, 'SIGSTOP')) return null;
  await sleep(ms);
  send(pid, 'SIGCONT');
  return `${ms} ms`;
}
const signalled = (pid: number | undefined, signal: NodeJS.Signals): string | null =>
  pid !== undefined && send(pid, signal) ? `process ${pid}` : null;

const serverFaults: readonly ServerFault[] = [
  ['model process: SIGKILL', 4, async ({ server }) => signalled(server.modelPid(), 'SIGKILL')],
  ['model process: SIGTERM', 1, async ({ server }) => signalled(server.modelPid(), 'SIGTERM')],
  ['model process: stopped', 2, ({ server, draw }) => stopped(server.modelPid(), draw.between('stopped', 500, 20_000))],
  ['model server: stopped', 2, ({ server, draw }) => stopped(server.pid(), draw.between('stopped', 500, 5000))],
  [
    'model server: SIGKILL',
    3,
    async ({ server }) => {
      await server.end('SIGKILL');
      return (await untilReady(server)) ? 'started again' : 'does not start again';
    },
  ],
  [
    'model server: SIGTERM',
    2,
    async ({ server }) => {
      await server.end('SIGTERM');
      return (await untilReady(server)) ? 'started again' : 'does not start again';
    },
  ],
  [
    'model server: another version is promoted',
    4,
    async ({ world, draw, models }) => {
      const at = draw.below('model', models.length);
      await promote(world.store, model, models[at] as BenchModel, firstRun);
      return `model ${at + 1}`;
    },
  ],
];

function drawServerFault(draw: Draw, { kind }: World): ServerFault {
  const others = [...diskFaults, ...clockFaults, ...(kind === 's3' ? s3Faults : [])].filter(({ needs = [] }) =>
    needs.every((need) => need === kind),
  );
  const all: readonly ServerFault[] = [
    ...serverFaults,
    ...others.map(
      ({ name, strike }): ServerFault => [
        `${name}, while it serves`,
        1,
        ({ world, draw: own }) => strike({ world, run: '', trainings: [], draw: own, damaged: new Set() }),
      ],
    ),
  ];
  return draw.oneOf(
    'fault',
    all.flatMap((fault) => new Array<ServerFault>(fault[1]).fill(fault)),
  );
}

/** A model answers four clients that never rest. Each answer is the right one, or says to come again. */
async function trial(world: World, { run, draw, most, reference: given }: TrialOptions): Promise<TrialResult> {
  const { models, said } = given as Reference;
  const since = performance.now();
  const struck: Struck[] = [];
  const lost = new Set<string>();
  const server = await startServer(world);
  if (!(await untilReady(server))) lost.add('the server did not start');
  const asked = await photo();
  let isOver = false;
  const counts: Record<string, number> = {};
  const client = async () => {
    while (!isOver) {
      // A server that is gone, or that was stopped, breaks connections; no answer is no wrong answer.
      const answer = await ask(server, asked).catch(() => null);
      counts[answer?.status ?? 'none'] = (counts[answer?.status ?? 'none'] ?? 0) + 1;
      if (answer?.status === 200 && !isDeepStrictEqual(answer.said, said[answer.of]))
        lost.add(`it said ${JSON.stringify(answer.said)} instead of ${JSON.stringify(said[answer.of])}`);
      if (answer && answer.status !== 200 && !patient.has(answer.status))
        lost.add(`it answered ${answer.status}: ${JSON.stringify(answer.said)}`);
      if (answer?.status !== 200) await sleep(50);
    }
  };
  const asking = Promise.all(Array.from({ length: clients }, client));
  for (let at = 0; struck.length < most && at < 10 * most; at++) {
    const own = draw.of(at);
    await sleep(own.between('moment', 200, 2500));
    const [name, , strike] = drawServerFault(own, world);
    const what = await strike({ server, world, draw: own, models });
    if (what === null) continue;
    struck.push({ fault: name, what });
    process.stderr.write(`${run}: ${name} (${what})\n`);
  }
  const answersAgain = await untilReady(server);
  if (!answersAgain) lost.add(`it was not ready ${startsWithinMs / 1000} s after the last fault`);
  const before = counts[200] ?? 0;
  const until = performance.now() + answersWithinMs;
  while ((counts[200] ?? 0) === before && performance.now() < until) await sleep(100);
  if ((counts[200] ?? 0) === before) lost.add('it gave no answer after the last fault');
  isOver = true;
  await asking;
  const end = await server.stop();
  if (end !== 'exit code 0') lost.add(`it ended with ${end} when it was asked to leave`);
  process.stderr.write(`${run}: answers by status ${JSON.stringify(counts)}\n`);
  return { run, workload: 'serving', struck, stops: [], lost: [...lost], seconds: (performance.now() - since) / 1000 };
}

export const serving: Workload = { name: 'serving', reference, trial };
