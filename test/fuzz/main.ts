import { randomInt } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { keepInput, keptInputs } from './corpus.ts';
import { type Figures, type Finding, fuzz } from './engine/fuzz.ts';
import { createHost } from './engine/host.ts';
import { targetNamed, targets } from './targets/index.ts';

/** `npm run fuzz -- [target…]`: runs targets on inputs that are made from sound ones, and tells what must not have come of any. */
function wholeNumber(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

interface Options {
  readonly inputs: number;
  readonly seed: number;
  readonly seconds?: number;
  readonly to?: string;
}

const say = (line: string) => void process.stderr.write(`${line}\n`);

function tell({ target, sign, detail, seed, index, input }: Finding): void {
  const file = keepInput(target, input);
  say(`FOUND in ${target} (seed ${seed}, input ${index}): ${sign}\n${detail}\nThe input is kept: ${file}\n`);
}

function tableOf(all: readonly Figures[]): string {
  const table = new Table({
    head: ['target', 'inputs', 'outcomes', 'slowest ms', 'memory MiB', 'seconds', 'findings'],
    style: { head: [], border: [] },
  });
  for (const { target, inputs, outcomes, slowestMs, peakBytes, seconds, findings } of all)
    table.push([
      target,
      inputs,
      outcomes.length,
      slowestMs.toFixed(0),
      (peakBytes / 2 ** 20).toFixed(0),
      seconds.toFixed(0),
      findings.length,
    ]);
  return table.toString();
}

async function main(names: readonly string[], { inputs, seed, seconds, to }: Options): Promise<number> {
  const chosen = names.length === 0 ? targets : names.map(targetNamed);
  say(`seed ${seed}, ${inputs} inputs for each of ${chosen.map(({ name }) => name).join(', ')}`);
  const all: Figures[] = [];
  for (const target of chosen) {
    // A process of its own each, so that its memory is that of the target.
    const host = createHost();
    const kept = [...keptInputs(target.name).values()];
    all.push(
      await fuzz(target, host, { inputs, seed, kept, onFinding: tell, ...(seconds === undefined ? {} : { seconds }) }),
    );
    await host.close();
    say(tableOf(all.slice(-1)));
  }
  process.stdout.write(`${tableOf(all)}\n`);
  if (to !== undefined) {
    const shown = all.map(({ findings, ...rest }) => ({
      ...rest,
      findings: findings.map(({ input, ...finding }) => ({ ...finding, input: Buffer.from(input).toString('base64') })),
    }));
    writeFileSync(to, `${JSON.stringify({ seed, targets: shown }, null, 2)}\n`);
  }
  return all.some(({ findings }) => findings.length > 0) ? 1 : 0;
}

const program = new Command('fuzz')
  .argument('[targets...]', `of ${targets.map(({ name }) => name).join(', ')}; all where none is named`)
  .option('--inputs <number>', 'for each target', wholeNumber, 100_000)
  .option('--seed <number>', 'of all that is drawn', wholeNumber, randomInt(2 ** 31))
  .option('--seconds <number>', 'for each target at most', wholeNumber)
  .option('--to <file>', 'write the figures there as JSON')
  .action(async (names: readonly string[], options: Options) => {
    process.exitCode = await main(names, options).catch((error: unknown) => {
      say(error instanceof Error ? error.message : String(error));
      return 2;
    });
  });
await program.parseAsync();
