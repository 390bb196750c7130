import { setTimeout as sleep } from 'node:timers/promises';
import { artifactRefSchema } from '../../contracts/artifacts.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import {
  comparePoints,
  listLeases,
  loadStepResults,
  openCheckpoints,
  type Store,
  type TakenLease,
} from '../../store/index.ts';

const pollMs = 250;

/** Asks until there is an answer. @throws Error where there is none in time, or the measurement is interrupted */
export async function until<T>(
  what: string,
  { signal, patienceMs = 600_000 }: { readonly signal: AbortSignal; readonly patienceMs?: number },
  ask: () => Promise<T | null>,
): Promise<T> {
  process.stderr.write(`cluster: waiting for ${what}\n`);
  for (const end = Date.now() + patienceMs; ; await sleep(pollMs)) {
    signal.throwIfAborted();
    const answer = await ask();
    if (answer !== null) return answer;
    if (Date.now() > end) throw new Error(`waited ${patienceMs / 60_000} minutes for ${what}`);
  }
}

/** The step that trains, in every pipeline here. */
export const training = 'pretrain';

export const secondsSince = (begun: number): number => (performance.now() - begun) / 1000;

/** A durable checkpoint, and the token of the lease that it was written under. */
export interface Point {
  readonly epoch: number;
  readonly step: number;
  readonly token: number;
}

/** The newest checkpoint of a training, of those that count; null where there is none. */
export async function newestPoint(
  store: Store,
  key: StepKey,
  counts: (point: Point) => boolean = () => true,
): Promise<Point | null> {
  const found = await openCheckpoints(store, key).list();
  const points = found.map(({ manifest: { epoch, step, token } }) => ({ epoch, step, token })).filter(counts);
  return points.sort(comparePoints).at(-1) ?? null;
}

/** The machine of a lease. */
export const machineOf = ({ owner }: Pick<TakenLease, 'owner'>): string => owner.split(' ')[0] ?? '';

/** Who has the lease of a training; null where nobody took it yet. */
export async function holderOf(store: Store, key: StepKey) {
  const lease = (await listLeases(store, key)).at(-1);
  return lease ? { machine: machineOf(lease), token: lease.token } : null;
}

/** Every digest that a run left: the artifacts that its results name, the training's state, and that of each epoch. By where it is. */
export async function digestsOf(store: Store, run: string): Promise<ReadonlyMap<string, string>> {
  const digests = new Map<string, string>();
  const visit = (at: string, value: unknown) => {
    const ref = artifactRefSchema.safeParse(value);
    if (ref.success) digests.set(`${at} (${ref.data.kind})`, ref.data.digest);
    else if (value instanceof Object) for (const [name, of] of Object.entries(value)) visit(`${at}.${name}`, of);
  };
  for (const [step, { result }] of Object.entries(await loadStepResults(store, run))) {
    visit(step, result);
    if ('digest' in result) digests.set(`${step}.digest`, String(result.digest));
  }
  for (const { manifest } of await openCheckpoints(store, { run, step: training }).list())
    if (manifest.step === 0) digests.set(`${training}, epoch ${manifest.epoch}`, manifest.digest);
  return digests;
}

/** Where two runs left different things. */
export const differences = (expected: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string[] =>
  [...new Set([...expected.keys(), ...found.keys()])].filter((at) => expected.get(at) !== found.get(at));
