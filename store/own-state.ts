import { z } from 'zod';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { jsonBytes } from './digest.ts';
import { readJson } from './reading.ts';
import type { Store } from './store.ts';

/** What a step of the user's own keeps for its next attempt. */
export const ownStateSchema = z.strictObject({
  /** Of what the step does: a state counts for the same code, parameters and inputs only. */
  fingerprint: z.string(),
  state: z.json(),
});

const pathOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/state.json`;

export const saveOwnState = (store: Store, key: StepKey, kept: z.infer<typeof ownStateSchema>): Promise<void> =>
  store.write(pathOf(key), jsonBytes(kept));

/** What was kept last; null where nothing was, or for something else. @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function loadOwnState(store: Store, key: StepKey, fingerprint: string): Promise<Json> {
  const kept = await readJson(store, pathOf(key), {
    schema: ownStateSchema,
    what: 'the state that a step of your own kept',
    remedy: 'Remove it: the step then begins anew.',
  });
  return kept?.fingerprint === fingerprint ? (kept.state as Json) : null;
}
