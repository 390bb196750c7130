import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { jsonBytes, parseJson } from './digest.ts';
import { unreadable } from './reading.ts';
import type { Store } from './store.ts';

/** Says which store it is. */
export const storeFile = 'store.json';

export const identitySchema = z.object({ id: z.uuid() });

/**
 * Who a store, or a home, is: an id that the first who asks makes, and that moves with the files.
 *
 * @param file that holds it
 * @throws ContrailError CorruptArtifact when its file is damaged, StoreUnreadable when it cannot be read, SetupFailed when there is none and none can be written
 */
export async function identityOf(store: Store, file = storeFile): Promise<string> {
  if (!(await store.exists(file)))
    await store.writeExclusive(file, jsonBytes({ id: randomUUID() })).catch((cause: unknown) => {
      throw new ContrailError(
        'SetupFailed',
        `${store.locate(file)} cannot be made: ${cause instanceof Error ? cause.message : String(cause)}. It says which store this is, and is written once; where this machine may only read, let another one write first.`,
        { cause },
      );
    });
  const bytes = await store.read(file).catch((cause: unknown) => {
    throw unreadable(store.locate(file), cause);
  });
  try {
    return identitySchema.parse(parseJson(bytes)).id;
  } catch (cause) {
    throw new ContrailError(
      'CorruptArtifact',
      `${store.locate(file)} does not say which store this is. Take it from a backup; with another id, Temporal's namespaces no longer belong to this store.`,
      { cause },
    );
  }
}
