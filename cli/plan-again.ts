import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { Plan } from '../contracts/plan.ts';
import { withEarlierNames } from '../pipelines/language/interpret/earlier-names.ts';
import { loadRunRecord, type Store } from '../store/index.ts';
import { planSource } from './pipeline-file.ts';
import { withRecordedChanges } from './recorded-changes.ts';

type Params = Readonly<Record<string, Json>>;

/** The same pipeline as it was written, with other params. @throws ContrailError Usage, InvalidPipeline */
export async function planAgain(store: Store, run: string, plan: Plan, set: Params): Promise<Plan> {
  if (Object.keys(set).length === 0) return plan;
  const record = await loadRunRecord(store, run);
  if (record?.source) {
    const again = planSource(record.source, { ...plan.params, ...set }, { begun: true });
    return withRecordedChanges(withEarlierNames(again, plan), record.changes ?? []);
  }
  throw new ContrailError(
    'Usage',
    `The run ${run} did not keep its pipeline, so --set cannot be used. Start a new run.`,
  );
}
