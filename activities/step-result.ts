import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { saveStepResult } from '../store/index.ts';
import type { ActivityContext } from './context.ts';

/** Records a step's result in the store, so that a resumed run need not do the step again, and returns it. */
export async function finishStep(
  { store }: ActivityContext,
  { run, step, fingerprint }: StepKey & { readonly fingerprint: string },
  result: object,
): Promise<{ readonly [key: string]: Json }> {
  const plain = JSON.parse(JSON.stringify(result)) as { [key: string]: Json };
  await saveStepResult(store, { run, step }, { fingerprint, result: plain });
  return plain;
}
