import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import type { TrainerJob } from '../../../contracts/trainer.ts';
import { bytesOfText, type Target, Violation } from '../engine/target.ts';

const digest = 'a'.repeat(64);
const ref = (kind: string) => ({ kind, digest });
const lines = (...messages: readonly object[]) =>
  bytesOfText(messages.map((each) => `${JSON.stringify(each)}\n`).join(''));

const progress = { phase: 'epoch 3', done: 3, total: 10, unit: 'steps', loss: 4.2, imagesPerSecond: 100 };
const epoch = {
  epoch: 3,
  digest,
  metrics: { loss: 4.2, learningRate: 0.1, imagesPerSecond: 10, seconds: 3 },
  best: { epoch: 3, loss: 4.2 },
  resumedFrom: null,
  rejected: [],
};
const said: readonly Uint8Array[] = [
  lines({ type: 'ready' }, { type: 'progress', progress }, { type: 'result', id: 1, result: epoch }),
  lines(
    { type: 'training', event: { type: 'opened', takenOver: false, from: null } },
    { type: 'training', event: { type: 'checkpoint', bytes: 1000, seconds: 0.5 } },
    { type: 'stopped', id: 1, at: { epoch: 2, step: 10 } },
  ),
  lines({ type: 'error', id: 1, code: 'NonFiniteLoss', message: 'the loss is NaN', stack: 'Error: at x' }),
  lines({ type: 'result', id: 7, result: null }, { type: 'progress', progress: { ...progress, loss: null } }),
];

/** What a trainer says, as its worker reads it: a pipe of bytes. */
export const trainerAnswers: Target = {
  name: 'trainer-answers',
  reads: 'messages of a trainer to its worker',
  form: 'json-lines',
  tokens: [
    '"type":',
    '"result"',
    '"progress"',
    '"id":',
    '\n',
    '{"type":"ready"}\n',
    '"stopped"',
    '"error"',
    'TrainerCrashed',
  ],
  open: async () => {
    const { openChannel } = await import('../../../training/process/channel.ts');
    const { runJob, TrainerStopped } = await import('../../../training/process/run-job.ts');
    return {
      seeds: said,
      run: async (input) => {
        const pipe = new PassThrough();
        // The worker writes into it as well, which nobody reads here.
        pipe.write = () => true;
        let killed = '';
        let end: (how: { how: 'signal'; signal: 'SIGKILL' }) => void = () => {};
        const child = Object.assign(new EventEmitter(), {
          stdio: [null, null, null, pipe],
          kill: (signal: string) => {
            killed = signal;
            return true;
          },
        });
        const told: string[] = [];
        const job = runJob(
          {
            ...{ child: child as never, channel: openChannel(child as never), name: 'r/s', lastLines: [] },
            onEnd: (listener) => {
              end = listener;
              return () => {};
            },
          },
          1,
          'train-epoch',
          {} as never,
          {
            signal: new AbortController().signal,
            onProgress: ({ phase }) => told.push(phase),
            onTraining: ({ type }) => told.push(type),
            stallTimeoutMs: 5000,
          },
          1000,
        ).then(
          ({ epoch: number }) => `epoch ${number}`,
          (error: unknown) => {
            if (error instanceof TrainerStopped) return 'stopped';
            throw error;
          },
        );
        const settled = job.catch(() => {});
        // In pieces, as a pipe gives them.
        for (let at = 0; at < input.length; at += 1000) pipe.emit('data', Buffer.from(input.subarray(at, at + 1000)));
        await Promise.race([settled, new Promise((resolve) => setImmediate(resolve))]);
        end({ how: 'signal', signal: 'SIGKILL' });
        return `${await job}, told ${told.length}, ${killed}`;
      },
    };
  },
};

/** What a worker asks of a trainer. Node takes the bytes apart, and each message is checked as it is here. */
export const trainerRequests: Target = {
  name: 'trainer-requests',
  reads: 'messages of a worker to its trainer',
  form: 'json',
  tokens: [
    '"type":',
    '"job"',
    '"stop"',
    '"id":',
    '"input":',
    '"train-epoch"',
    '"evaluate"',
    '"config":',
    '"encoder":',
    digest,
  ],
  open: async () => {
    const { trainerJobs, trainerMessageSchema } = await import('../../../contracts/trainer.ts');
    const { serveTrainer } = await import('../../../training/process/serve.ts');
    const { memoryStore } = await import('../../memory-store.ts');
    const config = {
      ...{ encoder: 'small-resnet', epochs: 3, batch: 32, seed: 1, loss: { supcon: { temperature: 0.1 } } },
      optimizer: { name: 'adam', learningRate: 0.01 },
    };
    const key = { run: 'r', step: 's' };
    const common = { ...key, dataset: ref('dataset'), config, checkpoint: {}, data: {} };
    const encoded = { ...key, encoder: ref('encoder'), dataset: ref('dataset') };
    const inputs: Partial<Record<TrainerJob, object>> = {
      'train-epoch': {
        ...common,
        epoch: 1,
        earlier: [{ through: 1, dataset: ref('dataset'), config }],
        mayReturnTo: [0],
      },
      'finish-training': { ...common, recorded: { epoch: 3, digest } },
      'sample-views': { ...key, dataset: ref('dataset'), config },
      'embed-shard': { ...encoded, list: 'a/b', place: 'c', pictures: true },
      'linear-probe': { ...encoded, parameters: { epochs: 3 } },
      evaluate: { ...encoded, classifier: ref('classifier'), parameters: {} },
    };
    // Takes the place of what TensorFlow would do; the input has been checked by then.
    const handlers = Object.fromEntries(
      Object.keys(trainerJobs).map((job) => [
        job,
        async (input: object) => {
          throw new Error(`done ${Object.keys(input).length}`);
        },
      ]),
    );
    const events = ['message', 'disconnect', 'SIGINT', 'SIGTERM'] as const;
    const before = events.map((event) => process.listeners(event as 'message'));
    const answers: unknown[] = [];
    const own = process.send;
    const quietly = <T>(work: () => T): T => {
      Object.assign(process, { send: (message: unknown) => answers.push(message) > 0 });
      try {
        return work();
      } finally {
        Object.assign(process, { send: own });
      }
    };
    quietly(() => serveTrainer(handlers as never, { store: memoryStore(), key }));
    const added = events.map((event, at) =>
      process.listeners(event as 'message').filter((each) => !before[at]?.includes(each)),
    );
    for (const [at, event] of events.entries()) for (const each of added[at] ?? []) process.off(event, each);
    const [take] = added[0] ?? [];
    if (!take) throw new Error('the trainer listens to no message');
    return {
      seeds: [
        ...Object.entries(inputs).map(([job, input]) =>
          bytesOfText(JSON.stringify({ type: 'job', id: 1, job, input })),
        ),
        bytesOfText('{"type":"stop"}'),
      ],
      run: async (input) => {
        let message: unknown;
        try {
          message = JSON.parse(Buffer.from(input).toString('utf8'));
        } catch {
          return 'no JSON';
        }
        answers.length = 0;
        // The answer comes in a later turn of the loop, before the next input.
        Object.assign(process, { send: (answer: unknown) => answers.push(answer) > 0 });
        try {
          (take as (message: unknown) => void).call(process, message);
          for (let turn = 0; turn < 20 && answers.length === 0; turn++)
            await new Promise((resolve) => setImmediate(resolve));
        } finally {
          Object.assign(process, { send: own });
        }
        for (const answer of answers) {
          const read = trainerMessageSchema.safeParse(answer);
          if (!read.success)
            throw new Violation(`an answer that no worker can read: ${JSON.stringify(answer).slice(0, 200)}`);
        }
        const [first] = answers as { type?: string; code?: string; message?: string }[];
        if (answers.length > 1) throw new Violation('several answers to one message');
        return `${first?.type} ${first?.code} ${first?.message}`;
      },
    };
  },
};

/** Frames between a server and the process of its model. */
export const modelFrames: Target = {
  name: 'model-frames',
  reads: 'frames between a server and the process of a model',
  form: 'bytes',
  tokens: ['"type":', '"ready"', '"answer"', '"id":', '"count":'],
  open: async () => {
    const { createFrameReader, encodeFrame } = await import('../../../serving/process/frames.ts');
    const { askedSchema, saidSchema } = await import('../../../serving/process/messages.ts');
    const frame = (header: object, ...bodies: Uint8Array[]) => Buffer.concat(encodeFrame(header, bodies));
    return {
      seeds: [
        Buffer.concat([frame({ id: 1, count: 2 }, new Uint8Array(24)), frame({ id: 2, count: 1 }, new Uint8Array(12))]),
        frame({ type: 'answer', id: 1 }, new Uint8Array(64)),
        frame({ type: 'error', id: 3, code: 'OutOfMemory', message: 'no memory' }),
        frame({ type: 'unusable', code: 'CorruptArtifact', message: 'damaged' }),
      ],
      run: (input) => {
        const told: string[] = [];
        const take = createFrameReader(({ header, body }) => {
          const read = saidSchema.safeParse(header);
          told.push(
            read.success
              ? read.data.type
              : askedSchema.safeParse(header).success
                ? 'asked'
                : `other ${body.length > 0}`,
          );
        });
        for (let at = 0; at < input.length; at += 777) take(Buffer.from(input.subarray(at, at + 777)));
        return told.join();
      },
    };
  },
};
