import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { whyNoS3Server } from '../s3/server.ts';
import { type Order, type Said, type StoreKind, saidSchema, storeKinds, workloadNames } from './messages.ts';
import { tableOf } from './table.ts';

/** Faults that one world, with its server, workers and store, goes through. */
const perWorld = 40;
const usage = `npm run chaos -- [--faults 300] [--seed <number>] [--minutes <number>] [--at-once 2] [--store ${storeKinds.join('|')}] [--workload ${workloadNames.join('|')}]… [--to <file>.json]`;

const number = z.coerce.number().int().positive();
const optionsSchema = z.strictObject({
  faults: number.default(300),
  seed: z.coerce
    .number()
    .int()
    .min(0)
    .default(() => Math.floor(Math.random() * 2 ** 31)),
  minutes: number.optional(),
  'at-once': number.default(2),
  store: z.enum(storeKinds).optional(),
  workload: z.array(z.enum(workloadNames)).default([]),
  to: z.string().optional(),
});

function optionsOf(args: readonly string[]): z.infer<typeof optionsSchema> {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        faults: text,
        seed: text,
        minutes: text,
        'at-once': text,
        store: text,
        workload: { ...text, multiple: true },
        to: text,
      },
    });
    return optionsSchema.parse(values);
  } catch (error) {
    const why =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
    process.stderr.write(`${why}\n${usage}\n`);
    process.exit(2);
  }
}

const options = optionsOf(process.argv.slice(2));
const since = performance.now();
const until = options.minutes === undefined ? null : Date.now() + options.minutes * 60_000;
const said: Said[] = [];
const withoutS3 = options.store === 'folder' ? null : await whyNoS3Server();
if (withoutS3 !== null && options.store === 's3') process.exit(2);
/** Of every three worlds two have a folder, unless one kind is asked for. */
const kindOf = (world: number): StoreKind => options.store ?? (world % 3 === 1 && withoutS3 === null ? 's3' : 'folder');
const struck = () => said.reduce((sum, each) => sum + (each.is === 'run' ? each.struck.length : 0), 0);

process.stderr.write(`seed ${options.seed}\n`);

/** Disturbs one world, and takes down what it says. */
function disturb(world: number, faults: number): Promise<void> {
  const { seed, workload } = options;
  const order: Order = { world, kind: kindOf(world), seed, faults, workloads: workload, until };
  const program = fileURLToPath(new URL('disturb.ts', import.meta.url));
  const runner = fileURLToPath(new URL('../../native/run.mjs', import.meta.url));
  const child = spawn(process.execPath, [runner, program, JSON.stringify(order)], {
    // It ends when this process does, whatever that dies of.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { TF_CPP_MIN_LOG_LEVEL: '3', ...process.env },
  });
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(saidSchema.parse(JSON.parse(line)));
      process.stderr.write(
        `${struck()} of ${options.faults} faults, after ${Math.round((performance.now() - since) / 1000)} s\n`,
      );
    });
  return new Promise((resolve) => {
    child.once('close', (code) => {
      if (code !== 0) said.push({ is: 'world', world, kind: order.kind, left: [`its process ended with ${code}`] });
      resolve();
    });
  });
}

let [next, given] = [0, 0];
/** Takes one world after the other while there are faults to be had. */
async function lane(): Promise<void> {
  while (given < options.faults && (until === null || Date.now() < until)) {
    const faults = Math.min(perWorld, options.faults - given);
    given += faults;
    await disturb(next++, faults);
  }
}
await Promise.all(Array.from({ length: options['at-once'] }, lane));

const { text, isWhole } = tableOf(said, { seed: options.seed, seconds: (performance.now() - since) / 1000 });
process.stdout.write(text);
if (options.to !== undefined) await writeFile(options.to, `${JSON.stringify({ seed: options.seed, said }, null, 2)}\n`);
process.exitCode = isWhole ? 0 : 1;
