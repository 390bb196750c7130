import type { ArtifactRef } from '../contracts/artifacts.ts';
import { encoderOrigin } from '../contracts/encoder-origin.ts';
import type { EncoderHistory } from '../contracts/export.ts';
import { numbersIn } from '../contracts/numbers-in.ts';
import { encoderKindNames } from '../contracts/training-kinds.ts';
import { loadPlan, loadStepResults, type Store } from '../store/index.ts';
import { planByNow } from './plan-by-now.ts';

/** What a run tells of an encoder that it made; null where the run is gone, or did not make it. */
export async function encoderHistory(store: Store, run: string, encoder: ArtifactRef): Promise<EncoderHistory | null> {
  const written = await loadPlan(store, run);
  if (!written) return null;
  const plan = await planByNow(store, run, written);
  const results = await loadStepResults(store, run);
  const digestIn = (id: string) => (results[id]?.result.encoder as { readonly digest?: unknown } | undefined)?.digest;
  const maker = plan.steps.find(({ id, uses }) => encoderKindNames.includes(uses) && digestIn(id) === encoder.digest);
  if (!maker) return null;
  return {
    origin: encoderOrigin(plan, maker.id),
    searches: plan.steps.flatMap(({ id, uses, with: { of }, inputs }) => {
      // A model has no projection head.
      const isOfModel = uses === 'retrieval' && of !== 'projection' && inputs.encoder?.step === maker.id;
      const result = isOfModel ? results[id]?.result : undefined;
      return result ? [{ step: id, measures: numbersIn(result) }] : [];
    }),
  };
}
