import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { runChild } from './child.ts';
import { type Figure, failed, openFigures, ratios } from './figures.ts';
import { epochsIn, type Part, type PlanOptions, planParts, trainingSize } from './plan.ts';

/**
 * Everything to learn on a machine with a GPU that is there for a short while: `npm run bench -- gpu`.
 *
 * I1. Each figure is in the file as soon as it is known.
 * I2. Whatever happens to one part, the next one begins; a part that fails leaves its message.
 * I3. Nothing runs on after the time that was given.
 * I4. This process loads no TensorFlow: it would hold memory of the GPU that the parts need.
 */

const trainingImages = 45_000;
const assumedImagesPerSecond = 3000;
/** With less time than this a part is not begun. */
const fewestSeconds = 10;
const shownCharacters = 80;
/** Of those parts that share the machine. */
const processorsEach = 2;

const { options, seconds, folder, only } = parseCommandLine();
mkdirSync(folder, { recursive: true });
const file = join(folder, 'figures.jsonl');
const figures = openFigures(file);
const end = performance.now() + seconds * 1000;

for (const group of inGroups(planParts(options).filter(({ name }) => name.includes(only)))) await learnAll(group);
for (const figure of ratios(figures.all())) figures.add(figure);
print(figures.all());
process.stdout.write(`All figures: ${file}\n`);
process.exit(figures.all().length > 0 && figures.all().every(({ figure }) => figure !== failed) ? 0 : 1);

/** Parts that may run together, as many at a time as there are processors for; every other part alone. */
function inGroups(parts: readonly Part[]): readonly (readonly Part[])[] {
  const together = parts.filter((part) => part.together === true);
  return [together, ...parts.filter((part) => part.together !== true).map((part) => [part])];
}

async function learnAll(parts: readonly Part[]): Promise<void> {
  const waiting = [...parts];
  const workers = Math.max(1, Math.floor(availableParallelism() / processorsEach));
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) await learn(part);
    }),
  );
}

async function learn({ name, part, operands, seconds: limit, environment }: Part): Promise<void> {
  const left = (end - performance.now()) / 1000;
  const fail = (why: string) => figures.add({ part: name, figure: failed, value: why });
  if (left < fewestSeconds) return fail('not begun: no time left');
  process.stderr.write(`${name} …\n`);
  try {
    const why = await runChild(part, part === 'training' ? withEpochs(operands, Math.min(limit, left)) : operands, {
      ...(environment ? { environment } : {}),
      limitSeconds: Math.min(limit, left),
      onFigure: (figure) => {
        figures.add({ ...figure, part: name });
        process.stderr.write(`  ${name}: ${figure.figure}: ${format(figure)}\n`);
      },
    });
    if (why !== null) fail(why);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  const failure = figures.all().find(({ part, figure }) => part === name && figure === failed);
  if (failure) process.stderr.write(`  ${name}: ${failure.value}\n`);
}

/** The training with as many epochs as its time allows. */
function withEpochs(operands: object, limit: number): object {
  const { parameters, ...rest } = operands as { readonly parameters: object };
  if ('epochs' in parameters) return operands;
  const measured = figures
    .all()
    .find(({ part, figure }) => part === `${trainingSize}, ours` && figure === 'images a second');
  const speed = typeof measured?.value === 'number' ? measured.value : assumedImagesPerSecond;
  return { ...rest, parameters: { ...parameters, epochs: epochsIn(limit - 60, speed, trainingImages) } };
}

function parseCommandLine(): {
  readonly options: PlanOptions;
  readonly seconds: number;
  readonly folder: string;
  readonly only: string;
} {
  try {
    const { values } = parseArgs({
      options: {
        tiny: { type: 'boolean', default: false },
        python: { type: 'string', default: 'python3' },
        data: { type: 'string' },
        seconds: { type: 'string', default: '570' },
        training: { type: 'string', default: '300' },
        out: { type: 'string', default: process.env.OUT || 'gpu-figures' },
        only: { type: 'string', default: '' },
      },
    });
    const number = (name: 'seconds' | 'training') => {
      const value = Number(values[name]);
      if (!(value > 0)) throw new Error(`--${name} is a number of seconds above 0, not ${values[name]}.`);
      return value;
    };
    const loads = spawnSync(values.python, ['-c', 'import torch, safetensors'], { stdio: 'ignore' }).status === 0;
    if (!loads) process.stderr.write(`${values.python} has not PyTorch and safetensors, so the peer is left out.\n`);
    return {
      options: {
        tiny: values.tiny,
        python: loads ? values.python : null,
        data: values.data === undefined ? null : resolve(values.data),
        trainingSeconds: number('training'),
      },
      seconds: number('seconds'),
      folder: resolve(values.out),
      only: values.only,
    };
  } catch (error) {
    process.stderr.write(
      `${error instanceof Error ? error.message : String(error)}\nUsage: npm run bench -- gpu [--tiny] [--python PROGRAM] [--data FOLDER] [--seconds N] [--training N] [--out FOLDER] [--only TEXT]\n`,
    );
    process.exit(2);
  }
}

function print(all: readonly Figure[]): void {
  const table = new Table({ head: ['part', 'figure', 'value'], style: { head: [], border: [] } });
  for (const figure of all)
    table.push([figure.part, figure.figure, format(figure).split('\n', 1)[0]?.slice(0, shownCharacters) ?? '']);
  process.stdout.write(`${table.toString()}\n`);
}

function format({ value, unit }: Figure): string {
  const text =
    typeof value === 'number' && !Number.isInteger(value)
      ? Math.abs(value) < 0.01
        ? value.toExponential(1)
        : value.toFixed(2)
      : String(value);
  return unit === undefined ? text : `${text} ${unit}`;
}
