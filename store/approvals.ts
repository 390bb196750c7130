import { z } from 'zod';
import { type ApprovalDecision, approvalDecisionSchema } from '../contracts/approval.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { jsonBytes } from './digest.ts';
import { readJson } from './reading.ts';
import type { Store } from './store.ts';

const decisionsPath = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/decisions.json`;

/** What people decided of a step, the oldest first. @throws ContrailError CorruptArtifact, StoreUnreadable */
export const loadDecisions = async (store: Store, key: StepKey): Promise<readonly ApprovalDecision[]> =>
  (await readJson(store, decisionsPath(key), {
    schema: z.array(approvalDecisionSchema),
    what: 'the record of decisions',
    remedy: 'Restore it from a copy, or remove it.',
  })) ?? [];

/** Adds a decision to the record of a step. One that is there already is not added again. */
export async function saveDecision(store: Store, key: StepKey, decision: ApprovalDecision): Promise<void> {
  const known = await loadDecisions(store, key);
  if (known.some(({ at }) => at === decision.at)) return;
  await store.write(decisionsPath(key), jsonBytes([...known, decision]));
}
