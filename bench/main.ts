import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { benchCapture } from './capture.ts';
import { benchEngine } from './engine/engine.ts';
import { dagsterEnvironment } from './engine/environment.ts';
import { benchEpoch } from './epoch.ts';
import { openKeras } from './keras/peer.ts';
import { benchLimit } from './limit.ts';
import { benchSteps } from './steps.ts';

const tables = ['steps', 'epoch', 'capture', 'limit', 'engine'] as const;
type TableName = (typeof tables)[number];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, turns: { type: 'string', default: '6' } },
});
const turns = Number(values.turns);
const unknown = positionals.filter((name) => !(tables as readonly string[]).includes(name));
if (unknown.length > 0 || !Number.isInteger(turns) || turns < 1) {
  process.stderr.write(`Usage: npm run bench -- [${tables.join('|')}]... [--turns N] [--json]\n`);
  process.exit(2);
}
const chosen = positionals.length > 0 ? (positionals as TableName[]) : tables;

const keras = await openKeras('default');
const tuned = await openKeras('ours');
const benches: Readonly<Record<TableName, () => Promise<readonly object[]>>> = {
  steps: () => benchSteps(keras, tuned, turns),
  epoch: () => benchEpoch(keras, turns),
  capture: () => benchCapture(),
  limit: () => benchLimit(keras, turns),
  engine: async () => benchEngine(await dagsterEnvironment()),
};
try {
  const results: Partial<Record<TableName, readonly object[]>> = {};
  for (const name of chosen) {
    if (!values.json) process.stderr.write(`${name} …\n`);
    results[name] = await benches[name]();
    if (!values.json) print(name, results[name] ?? []);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
} finally {
  keras.close();
  tuned.close();
}

function print(name: string, rows: readonly object[]): void {
  const head = Object.keys(rows[0] ?? {});
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const row of rows) table.push(Object.values(row).map(format));
  process.stdout.write(`${name}\n${table.toString()}\n`);
}

function format(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return value === null ? '–' : String(value);
}
