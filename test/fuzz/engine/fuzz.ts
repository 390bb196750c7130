import { createHash } from 'node:crypto';
import type { Host, Ran } from './host.ts';
import { minimised } from './minimise.ts';
import { mutated, type Pool } from './mutate.ts';
import { randomOf } from './random.ts';
import type { Target } from './target.ts';

/** What must not come of any input. */
export interface Finding {
  readonly target: string;
  readonly sign: string;
  readonly detail: string;
  /** The seed, and the number of the input: with the same kept inputs they give it again. */
  readonly seed: number;
  readonly index: number;
  /** As short as it could be made. */
  readonly input: Uint8Array;
}

export interface Figures {
  readonly target: string;
  readonly reads: string;
  readonly inputs: number;
  /** Outcomes that differ in more than numbers and quoted texts. */
  readonly outcomes: readonly string[];
  /** Of those that were accepted: by the processor where that was less than by the clock. */
  readonly slowestMs: number;
  /** Of the process, at its most. */
  readonly peakBytes: number;
  readonly seconds: number;
  readonly findings: readonly Finding[];
}

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** No further inputs are begun after this, but for the first few. */
  readonly seconds?: number;
  /** Inputs that were kept: they run first, and new ones are made of them. */
  readonly kept: readonly Uint8Array[];
  readonly onFinding?: (finding: Finding) => void;
  /** How many shorter inputs are tried for a finding that ends or holds its process. @default 12 */
  readonly costlyTries?: number;
  /** How often what costs too much is run once more, alone: it may have waited for another program. @default 2 */
  readonly repeats?: number;
}

/** An input must not take longer. */
const slowMs = 1000;
const defaultMemoryBytes = 512 * 2 ** 20;
/** Memory of a process, whatever its inputs have added to it one by one. */
const mostPeakBytes = 4 * 2 ** 30;
const atOnce = 64;
const mostNews = 2000;
const quickTries = 400;
/** Of one kind: more of them tell nothing. */
const mostFindings = 20;

const costMs = ({ cost }: Ran) => Math.min(cost.wallMs, cost.processorMs);

/** Runs a target on the kept inputs and on so many new ones. */
export async function fuzz(target: Target, host: Host, options: FuzzOptions): Promise<Figures> {
  const {
    inputs,
    seed,
    seconds = Number.POSITIVE_INFINITY,
    kept,
    onFinding = () => {},
    costlyTries = 12,
    repeats = 2,
  } = options;
  const since = performance.now();
  const seeds = [...(await host.open(target.name)), ...kept];
  const news: Uint8Array[] = [];
  const pool: Pool = { seeds, news };
  const outcomes = new Set<string>();
  const findings = new Map<string, Finding>();
  let [slowestMs, peakBytes, done] = [0, 0, 0];

  const problemOf = (ran: Ran): { readonly sign: string; readonly detail: string } | null => {
    const memoryBytes = target.memoryBytes ?? defaultMemoryBytes;
    if (ran.outcome.is === 'finding') return ran.outcome;
    if (costMs(ran) > slowMs) return { sign: 'slow', detail: `It took ${Math.round(costMs(ran))} ms.` };
    if (ran.cost.memoryBytes > memoryBytes)
      return { sign: 'memory', detail: `It took ${Math.round(ran.cost.memoryBytes / 2 ** 20)} MiB.` };
    if (ran.peakBytes > mostPeakBytes)
      return { sign: 'memory grows', detail: `The process has ${Math.round(ran.peakBytes / 2 ** 20)} MiB.` };
    return null;
  };
  /** What a machine that is busy may have done. */
  const isCost = (sign: string) => sign === 'slow' || sign === 'memory' || sign === 'hang';
  const once = async (input: Uint8Array): Promise<Ran> => {
    let last: Ran | undefined;
    await host.run([input], (ran) => {
      last = ran;
    });
    if (!last) throw new Error('an input without an outcome');
    return last;
  };
  const doesSame = async (input: Uint8Array, sign: string) => problemOf(await once(input))?.sign === sign;
  /** The problem, where it is one of the input alone. */
  const confirmed = async (input: Uint8Array, sign: string): Promise<boolean> => {
    for (let again = 0; again < repeats; again++) {
      await host.renew();
      if (!(await doesSame(input, sign))) return false;
    }
    return true;
  };
  const note = async (
    input: Uint8Array,
    index: number,
    problem: { readonly sign: string; readonly detail: string },
  ) => {
    const { sign, detail } = problem;
    if (findings.has(sign) || findings.size >= mostFindings) return;
    if (isCost(sign) && !(await confirmed(input, sign))) return;
    const tries = isCost(sign) || sign.startsWith('process ended') ? costlyTries : quickTries;
    const short = await minimised(input, (shorter) => doesSame(shorter, sign), tries);
    const finding = { target: target.name, sign, detail, seed, index, input: short };
    findings.set(sign, finding);
    onFinding(finding);
  };
  const runAll = async (batch: readonly Uint8Array[], first: number) => {
    const problems: (() => Promise<void>)[] = [];
    await host.run(batch, (ran, at) => {
      const input = batch[at] as Uint8Array;
      done++;
      peakBytes = Math.max(peakBytes, ran.peakBytes);
      const problem = problemOf(ran);
      if (problem) problems.push(() => note(input, first + at, problem));
      else slowestMs = Math.max(slowestMs, costMs(ran));
      const text = ran.outcome.is === 'sound' ? ran.outcome.text : ran.outcome.sign;
      if (outcomes.has(text)) return;
      outcomes.add(text);
      if (ran.outcome.is === 'sound' && news.length < mostNews) news.push(input);
    });
    for (const look of problems) await look();
  };

  for (let at = 0; at < seeds.length; at += atOnce) await runAll(seeds.slice(at, at + atOnce), at - seeds.length);
  const hasTime = () => (performance.now() - since) / 1000 < seconds;
  for (let first = 0; first < inputs && (first === 0 || hasTime()); first += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, inputs - first) }, (_, at) =>
      mutated(target, pool, randomOf(seed, target.name, first + at)),
    );
    await runAll(batch, first);
  }
  return {
    target: target.name,
    reads: target.reads,
    inputs: done,
    outcomes: [...outcomes],
    slowestMs,
    peakBytes,
    seconds: (performance.now() - since) / 1000,
    findings: [...findings.values()],
  };
}

/** A name for the file of a finding: the same for the same input. */
export const nameOfInput = (input: Uint8Array): string => createHash('sha256').update(input).digest('hex').slice(0, 12);
