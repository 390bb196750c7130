import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { jsonBytes, parseJson } from './digest.ts';
import type { Store } from './store.ts';

/**
 * The right to write the checkpoints of a step. Each taking gets the next whole number, its fencing token; only the holder
 * of the highest may commit, so an attempt that was given up for lost cannot overwrite the one that replaced it.
 */
export interface Lease {
  readonly store: Store;
  readonly key: StepKey;
  readonly token: number;
  readonly owner: string;
}

const leaseSchema = z.strictObject({ owner: z.string(), takenAt: z.iso.datetime() });

const folderOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/leases`;
const pathOf = (key: StepKey, token: number) => `${folderOf(key)}/${String(token).padStart(8, '0')}.json`;

/** Takes the lease of a step from whoever has it. `owner` tells a person which process that is. */
export async function acquireLease(store: Store, key: StepKey, owner: string): Promise<Lease> {
  for (let token = (await highestToken(store, key)) + 1; ; token++) {
    const lease = jsonBytes({ owner, takenAt: new Date().toISOString() });
    if (await store.writeExclusive(pathOf(key, token), lease)) return { store, key, token, owner };
  }
}

/**
 * Checks that nobody has taken the lease since.
 *
 * @throws ContrailError StaleLease that names the owner who lost it and the one who has it
 */
export async function assertCurrent({ store, key, token, owner }: Lease): Promise<void> {
  const highest = await highestToken(store, key);
  if (highest === token) return;
  const holder = highest > token ? await ownerOf(store, key, highest) : 'nobody: its file was removed';
  throw new ContrailError(
    'StaleLease',
    `${owner} lost ${key.run}/${key.step} to ${holder} (token ${token}, now ${highest}), so its checkpoint was not written.`,
  );
}

async function ownerOf(store: Store, key: StepKey, token: number): Promise<string> {
  try {
    return leaseSchema.parse(parseJson(await store.read(pathOf(key, token)))).owner;
  } catch {
    return 'another process';
  }
}

async function highestToken(store: Store, key: StepKey): Promise<number> {
  const names = (await store.list(folderOf(key))).map(({ path }) => path.split('/').at(-1) ?? '');
  const tokens = names.filter((name) => /^\d+\.json$/.test(name)).map((name) => Number.parseInt(name, 10));
  return Math.max(0, ...tokens);
}

/** When a process took the lease, and which it was. */
export interface TakenLease {
  readonly token: number;
  readonly owner: string;
  readonly takenAt: string;
}

/** Every taking of a step's lease, the first first; a file that cannot be read is left out. */
export async function listLeases(store: Store, key: StepKey): Promise<readonly TakenLease[]> {
  const files = (await store.list(folderOf(key))).filter(({ path }) => /\/\d+\.json$/.test(path));
  const leases = await Promise.all(
    files.map(async ({ path }) => {
      try {
        const lease = leaseSchema.parse(parseJson(await store.read(path)));
        return [{ ...lease, token: Number.parseInt(path.split('/').at(-1) ?? '', 10) }];
      } catch {
        return [];
      }
    }),
  );
  return leases.flat().sort((a, b) => a.token - b.token);
}
