import { z } from 'zod';
import { runIdSchema } from '../contracts/identifiers.ts';
import { jsonBytes } from './digest.ts';
import { listFiles, readJson } from './reading.ts';
import type { Store } from './store.ts';

/**
 * The order in which the trials of an asynchronous sweep arrived at their rungs: `runs/<run>/sweeps/<sweep>/000001.json` and so on.
 *
 * I1. A place is written once and never changed; of several trials that come at once exactly one has it.
 * I2. A trial has one place at a rung, however often its arrival is written down.
 */
export const arrivalSchema = z.strictObject({ trial: z.int().nonnegative(), rung: z.int().nonnegative() });
export type Arrival = z.infer<typeof arrivalSchema>;

/** @throws ContrailError CorruptArtifact, StoreUnreadable */
export async function takePlace(store: Store, run: string, sweep: string, arrival: Arrival): Promise<number> {
  const folder = `runs/${runIdSchema.parse(run)}/sweeps/${sweep}`;
  const pathOf = (place: number) => `${folder}/${String(place).padStart(6, '0')}.json`;
  const listed = (await listFiles(store, folder)).length;
  // A listing may be older than what is there, so every place is looked at until one is free.
  for (let place = 1; ; place++) {
    const path = pathOf(place);
    if (place > listed && (await store.writeExclusive(path, jsonBytes(arrival)))) return place;
    const taken = await readJson(store, path, {
      schema: arrivalSchema,
      what: 'the place of a trial in its sweep',
      remedy: 'Start the run anew.',
    });
    if (taken?.trial === arrival.trial && taken.rung === arrival.rung) return place;
  }
}
