import { z } from 'zod';
import { type CodeRef, codeRefSchema } from '../../contracts/artifacts.ts';
import { plannedStepIdSchema, runIdSchema } from '../../contracts/identifiers.ts';
import type { Json } from '../../contracts/json.ts';
import {
  differencesBetween,
  listFiles,
  loadEpochMetrics,
  loadStepResult,
  type Store,
  unlessDamaged,
} from '../../store/index.ts';

type Values = { readonly [key: string]: Json };

/** What a result follows from, as its fingerprint says. */
export interface Origin {
  readonly uses: string;
  readonly version: number;
  readonly with: Values;
  readonly inputs: Values;
  readonly code?: CodeRef | undefined;
  /** Of a training that stopped at a rung of a sweep: the epoch. */
  readonly until?: number | undefined;
}

/** The result of a step of an earlier run. */
export interface EarlierResult {
  readonly run: string;
  readonly step: string;
  readonly fingerprint: string;
  readonly origin: Origin;
  readonly result: Values;
  /** Null in results of versions that did not record it. */
  readonly seconds: number | null;
  readonly finishedAt: string;
}

const originSchema = z.object({
  uses: z.string(),
  version: z.int(),
  with: z.record(z.string(), z.json()),
  inputs: z.record(z.string(), z.json()),
  code: codeRefSchema.optional(),
  until: z.int().optional(),
});

/** The results of all finished steps in the store, the newest first. @param onDamage is told of damaged ones, which are left out */
export async function loadHistory(
  store: Store,
  onDamage?: (problem: string) => void,
): Promise<readonly EarlierResult[]> {
  const keys = (await listFiles(store, 'runs')).flatMap(({ path }) => {
    const [, run, step] = /^runs\/([^/]+)\/steps\/([^/]+)\/result\.json$/.exec(path) ?? [];
    return runIdSchema.safeParse(run).success && plannedStepIdSchema.safeParse(step).success && run && step
      ? [{ run, step }]
      : [];
  });
  const found = await Promise.all(
    keys.map(async (key): Promise<EarlierResult[]> => {
      const reading = loadStepResult(store, key);
      const stored = await (onDamage ? unlessDamaged(reading, onDamage) : reading);
      const origin = readOrigin(stored?.fingerprint);
      if (!stored || !origin) return [];
      const { fingerprint, result, seconds = null, finishedAt = '' } = stored;
      return [{ ...key, fingerprint, origin, result, seconds, finishedAt }];
    }),
  );
  return found.flat().sort((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
}

function readOrigin(fingerprint: string | undefined): Origin | null {
  try {
    const parsed = originSchema.safeParse(JSON.parse(fingerprint ?? ''));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}

export interface Nearest {
  readonly earlier: EarlierResult;
  /** What differs, a line each: `with.epochs: 20 → 50`. */
  readonly differences: readonly string[];
}

/** The earlier result that differs least from what a step will follow from; of several the newest. */
export function nearestResult(history: readonly EarlierResult[], step: string, now: Partial<Origin>): Nearest | null {
  let best: (Nearest & { readonly distance: number }) | null = null;
  for (const earlier of history) {
    if (earlier.origin.uses !== now.uses) continue;
    const differences = differencesBetween(
      pick(earlier.origin, Object.keys(now)) as unknown as Json,
      now as unknown as Json,
    );
    const distance = differences.length + (earlier.step === step ? 0 : 0.5);
    if (!best || distance < best.distance) best = { earlier, differences, distance };
  }
  return best;
}

const pick = (from: object, keys: readonly string[]) =>
  Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));

/**
 * How long a step will take, in seconds, by an earlier one; a training in proportion to its epochs. Null where nothing is
 * known.
 */
export async function expectedSeconds(
  store: Store,
  { earlier }: Nearest,
  epochs: number | null,
): Promise<number | null> {
  if (epochs === null || earlier.seconds === null) return earlier.seconds;
  const lines = await loadEpochMetrics(store, earlier);
  if (lines.length === 0) return earlier.seconds;
  const training = lines.reduce((sum, { seconds }) => sum + seconds, 0);
  return Math.max(0, earlier.seconds - training) + (training / lines.length) * epochs;
}
