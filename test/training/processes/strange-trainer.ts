// A trainer that does what no trainer should, as the variable KIND says.
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { hasCode } from '../../../contracts/system-errors.ts';

/** The channel to the worker, past Node's own framing: as a native library would write that took it for a file of its own. */
const channel = 3;

const progress = { phase: 'epoch 1', done: 1, total: 2, unit: 'steps' };
const stopped = (id: number) => ({ type: 'stopped', id, at: { epoch: 3, step: 4 } });

const say = (message: unknown) => process.send?.(message);

const kinds: Readonly<Record<string, (job: { readonly id: number }) => unknown>> = {
  well: ({ id }) => say(stopped(id)),
  'loss that is no number': ({ id }) => {
    say({ type: 'progress', progress: { ...progress, loss: Number.NaN } });
    say(stopped(id));
  },
  'rate that is no number': () => say({ type: 'progress', progress: { ...progress, imagesPerSecond: Number.NaN } }),
  'wrong result': ({ id }) => say({ type: 'result', id, result: { nothing: Number.NaN } }),
  'unknown type': () => say({ type: 'novelty' }),
  foreign: () => say({ hello: 1 }),
  string: () => say('x'.repeat(1000)),
  nothing: () => say(null),
  list: () => say([1, 2]),
  garbage: () => writeSync(channel, 'not a message\n'),
  bytes: () => writeSync(channel, Buffer.from([0xff, 0xfe, 0x00, 0x0a])),
  huge: async () => {
    const part = 'x'.repeat(1 << 20);
    writeSync(channel, '"');
    for (let i = 0; i < 80; i++) await writeAll(part);
  },
  'end without an answer': () => process.exit(3),
  'unreadable, then an answer': ({ id }) => {
    say({ hello: 1 });
    say(stopped(id));
  },
  'answer to another job': async ({ id }) => {
    say(stopped(id + 1));
    await delay(50);
    say(stopped(id));
  },
  'answer, then garbage': ({ id }) => {
    say(stopped(id));
    say({ hello: 1 });
    writeSync(channel, 'not a message\n');
  },
  'last words': () => {
    process.stderr.write(`the reason\n${'y'.repeat(5_000_000)}\n`, () => process.exit(4));
  },
  environment: ({ id }) => {
    console.log(JSON.stringify(process.env));
    say(stopped(id));
  },
  silent: () => {},
};

async function writeAll(text: string): Promise<void> {
  let left: Uint8Array = Buffer.from(text);
  while (left.length > 0)
    try {
      left = left.subarray(writeSync(channel, left));
    } catch (error) {
      if (!hasCode(error, 'EAGAIN')) throw error;
      await delay(1);
    }
}

process.on('message', (message: { readonly type: string; readonly id: number }) => {
  if (message.type === 'job') void kinds[process.env.KIND ?? '']?.(message);
});
process.on('disconnect', () => process.exit(0));
