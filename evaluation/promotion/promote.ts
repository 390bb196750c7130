import { ContrailError } from '../../contracts/errors.ts';
import type { Candidate, Judgement, ModelVersion, PromotionMetric } from '../../contracts/models.ts';
import { addVersion, loadVersions, pointAtHighest, recordRefusal, type Store } from '../../store/index.ts';

/** What became of a candidate. */
export interface Promotion {
  readonly promoted: boolean;
  /** Whether the model was the current one already, and has another index now. */
  readonly indexOnly: boolean;
  /** The version that is current now; null where the name has none. */
  readonly version: number | null;
  readonly reason: string;
  readonly before: number | null;
  readonly after: number | null;
  /** Test images that both were compared on; null where they were not. */
  readonly images: number | null;
  /** Test images that were left out because one of them has seen them; null where that was not asked. */
  readonly seen: number | null;
  /** The ends of the 95 % interval of the difference. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface PromotionTerms {
  readonly model: string;
  readonly metric: PromotionMetric;
  readonly force: boolean;
  /** Compares the candidate with the current model. */
  readonly judge: (current: ModelVersion) => Promise<Judgement>;
}

/**
 * Makes a candidate the current model if it is judged better than the current one, or is the first. If it is the current one with
 * another index, it takes that. Two promotions at the same
 * time follow each other: the later one is compared with the model that the earlier one made current. What is not promoted
 * is recorded with the reason, unless it is the current model itself.
 *
 * @throws ContrailError InvalidInput where a metric is none
 */
export async function promoteModel(store: Store, candidate: Candidate, terms: PromotionTerms): Promise<Promotion> {
  const { model, metric, force } = terms;
  requireShares(candidate);
  for (;;) {
    const versions = await loadVersions(store, model);
    const own = candidate.metrics[metric] ?? null;
    const done = candidate.step === null ? undefined : versions.find((each) => isSameStep(each, candidate));
    if (done) {
      await pointAtHighest(store, model);
      const { version, reason } = done;
      return { ...first(own), promoted: true, indexOnly: done.indexedBy !== undefined, version, reason };
    }
    const current = versions.at(-1) ?? null;
    const isCurrent = current !== null && isSameModel(candidate, current);
    if (isCurrent && candidate.index !== undefined && candidate.index.digest !== current.index?.digest) {
      const { restores: _, ...same } = current;
      const { run, step, index } = candidate;
      // What reads an index is loaded where there is one.
      const { indexReason } = await import('./index-reason.ts');
      const reason = `the model of version ${current.version} with ${await indexReason(store, index, current.index)}`;
      const version = current.version + 1;
      if (await addVersion(store, { ...same, version, index, indexedBy: { run, step }, reason }))
        return { ...first(own), before: own, promoted: true, indexOnly: true, version, reason };
      continue;
    }
    const judged = current ? await terms.judge(current) : null;
    const { better, reason: found, interval, ...compared } = judged ?? first(own);
    const reason = force && !better ? `${found}; forced` : found;
    const [low, high] = interval ?? [null, null];
    const outcome = { ...compared, indexOnly: false, reason, low, high };
    if (!better && !force) {
      const version = current?.version ?? null;
      const { run, step } = candidate;
      if (!isCurrent)
        await recordRefusal(store, {
          ...{ run, step, model, version, reason },
          before: compared.before,
          after: compared.after,
        });
      return { ...outcome, promoted: false, version };
    }
    const version = (current?.version ?? 0) + 1;
    if (await addVersion(store, { ...candidate, model, version, reason }))
      return { ...outcome, promoted: true, version };
  }
}

const isSameModel = ({ encoder, classifier }: Candidate, current: ModelVersion): boolean =>
  encoder.digest === current.encoder.digest && classifier?.digest === current.classifier?.digest;

/** A metric above 1 would be better than all that follow. */
function requireShares({ metrics }: Candidate): void {
  for (const [name, value] of Object.entries(metrics))
    if (value !== null && !(value >= 0 && value <= 1))
      throw new ContrailError(
        'InvalidInput',
        `${name} is ${value}, and must be from 0 to 1. Evaluate the encoder again.`,
      );
}

/** A candidate that is compared with none. */
const first = (after: number | null) => ({
  better: true,
  before: null,
  after,
  reason: 'the first model of this name',
  images: null,
  seen: null,
  interval: null,
  low: null,
  high: null,
});

/** Whether a step made a version: promoted its model, or gave it its index. */
const isSameStep = (version: ModelVersion, { run, step }: Pick<Candidate, 'run' | 'step'>) => {
  const by = version.indexedBy ?? version;
  return by.run === run && by.step === step && version.restores === undefined;
};
