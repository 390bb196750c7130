import type { Json } from '../../contracts/json.ts';
import { openHome } from '../../home/home.ts';
import { differencesBetween, loadRunRecord, loadStepResults, openStore, type Store } from '../../store/index.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { print, printJson } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';
import { table } from '../table.ts';

/** What is compared: one heading, and what each of the two runs has there. */
interface Sides {
  readonly params: Json;
  readonly source: Json;
  readonly environment: Json;
  readonly steps: Json;
  readonly artifacts: Json;
  readonly metrics: Readonly<Record<string, number>>;
}

/** `contrail diff`: what is different between two runs, from what they were given to what they measured. */
export async function diffCommand(
  before: string,
  after: string,
  { json }: { readonly json: boolean },
): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const [a, b] = [await sidesOf(store, before), await sidesOf(store, after)];
  const changes = {
    params: differencesBetween(a.params, b.params),
    source: sourceLines(a.source, b.source),
    environment: differencesBetween(a.environment, b.environment),
    steps: differencesBetween(a.steps, b.steps),
    artifacts: differencesBetween(a.artifacts, b.artifacts),
  };
  const names = [...new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])];
  const metrics = names.map((name) => ({
    name,
    before: a.metrics[name] ?? null,
    after: b.metrics[name] ?? null,
  }));
  if (json) {
    printJson({ before, after, ...changes, metrics });
    return 0;
  }
  print(`${before} → ${after}`);
  for (const [heading, lines] of Object.entries(changes))
    if (lines.length > 0) print(`\n${heading}\n${lines.map((line) => `  ${shortened(line)}`).join('\n')}`);
  const same = Object.entries(changes).filter(([, lines]) => lines.length === 0);
  if (same.length > 0) print(`\nthe same: ${same.map(([heading]) => heading).join(', ')}`);
  if (metrics.length > 0)
    print(
      `\n${table(
        ['metric', 'before', 'after', 'change'],
        metrics.map((metric) => [
          metric.name,
          number(metric.before),
          number(metric.after),
          metric.before !== null && metric.after !== null ? signed(metric.after - metric.before) : '',
        ]),
      )}`,
    );
  return 0;
}

async function sidesOf(store: Store, run: string): Promise<Sides> {
  const plan = await planByNow(store, run, await requireKnownPlan(store, run));
  const record = await loadRunRecord(store, run);
  const results = await loadStepResults(store, run);
  const artifacts: Record<string, Json> = {};
  const metrics: Record<string, number> = {};
  for (const { id } of plan.steps)
    for (const [field, value] of Object.entries(results[id]?.result ?? {})) {
      if (typeof value === 'number') metrics[`${id}.${field}`] = value;
      if (typeof value === 'object' && value !== null && 'digest' in value)
        artifacts[`${id}.${field}`] = value.digest as Json;
    }
  return {
    params: plan.params,
    source: record?.source?.text ?? null,
    environment: { ...record?.environment },
    steps: Object.fromEntries(plan.steps.map(({ id, uses, with: parameters }) => [id, { uses, with: parameters }])),
    artifacts,
    metrics,
  };
}

/** The lines of the pipeline that only one of the two has. */
function sourceLines(before: Json, after: Json): string[] {
  if (before === after) return [];
  if (typeof before !== 'string' || typeof after !== 'string') return ['one of the two does not have its source'];
  const [old, now] = [before.split('\n'), after.split('\n')];
  const gone = old.filter((line) => !now.includes(line)).map((line) => `- ${line}`);
  const come = now.filter((line) => !old.includes(line)).map((line) => `+ ${line}`);
  return gone.length + come.length > 0 ? [...gone, ...come] : ['the same lines in another order'];
}

const shortened = (line: string) => line.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');
const number = (value: number | null) => (value === null ? '' : String(Number(value.toPrecision(6))));
const signed = (value: number) => (value === 0 ? '0' : `${value > 0 ? '+' : ''}${Number(value.toPrecision(3))}`);
