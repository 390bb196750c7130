import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { type Owner, ownerOfNamespace, requireSameStore } from './belonging.ts';

/** A server takes longer to come up. */
const validMs = 1000;

/**
 * Makes sure before each activity that it comes from a namespace of our store: behind an address there may be another server by
 * now. One that does not is given back untouched, for a worker of its own.
 *
 * @param where server and namespace, as a person knows them
 * @param onForeign is told once the namespace is not ours
 */
export function guardActivities(
  client: Client,
  ours: Owner,
  where: string,
  onForeign: (error: ContrailError) => void,
): ActivityInterceptorsFactory {
  let last: { readonly at: number; readonly check: Promise<void> } | null = null;
  const check = async () => {
    const found = await ownerOfNamespace(client);
    if (!found)
      throw new ContrailError(
        'WrongServer',
        `${where} belongs to no store any more; a worker that is started takes it.`,
      );
    requireSameStore(found, ours, where);
  };
  const checked = () => {
    if (!last || performance.now() - last.at > validMs) last = { at: performance.now(), check: check() };
    return last.check;
  };
  return () => ({
    inbound: {
      execute: async (input, next) => {
        try {
          await checked();
        } catch (error) {
          last = null;
          if (isContrailError(error)) onForeign(error);
          const message = error instanceof Error ? error.message : String(error);
          throw ApplicationFailure.retryable(message, isContrailError(error) ? error.code : 'ServerUnreachable');
        }
        return next(input);
      },
    },
  });
}
