import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import { jsonBytes } from './digest.ts';
import { listFiles, readJson, unlessDamaged } from './reading.ts';
import type { Store } from './store.ts';

/**
 * The right to write the checkpoints of a step. Each taking gets the next whole number, its fencing token; only the holder
 * of the highest may commit, so an attempt that was given up for lost cannot overwrite the one that replaced it.
 *
 * L1. Whoever takes the lease creates the file of a token that nobody has. A listing only says where to begin looking.
 * L2. The lease is lost once the file of the next token is there: tokens have no gaps, since each is created where the one before it is.
 */
export interface Lease {
  readonly store: Store;
  readonly key: StepKey;
  readonly token: number;
  readonly owner: string;
}

export const leaseSchema = z.strictObject({ owner: z.string(), takenAt: z.iso.datetime() });

const folderOf = ({ run, step }: StepKey) => `runs/${run}/steps/${step}/leases`;
const nameOf = (token: number) => String(token).padStart(8, '0');
const pathOf = (key: StepKey, token: number) => `${folderOf(key)}/${nameOf(token)}.json`;

/** Takes the lease of a step from whoever has it. `owner` tells a person which process that is. */
export async function acquireLease(store: Store, key: StepKey, owner: string): Promise<Lease> {
  for (let token = (await highestListed(store, key)) + 1; ; token++) {
    const lease = jsonBytes({ owner, takenAt: new Date().toISOString() });
    if (await store.writeExclusive(pathOf(key, token), lease)) return { store, key, token, owner };
  }
}

/**
 * Checks that nobody has taken the lease since.
 *
 * @throws ContrailError StaleLease that names the owner who lost it and the one who has it, StoreUnreadable
 */
export async function assertCurrent({ store, key, token, owner }: Lease): Promise<void> {
  const [isTaken, isThere] = await Promise.all([token + 1, token].map((each) => store.exists(pathOf(key, each))));
  if (!isTaken && isThere) return;
  const highest = isTaken ? Math.max(token + 1, await highestListed(store, key)) : 0;
  const holder = isTaken ? await ownerOf(store, key, highest) : 'nobody: its file was removed';
  throw new ContrailError(
    'StaleLease',
    `${owner} lost ${key.run}/${key.step} to ${holder} (token ${token}, now ${highest}), so its checkpoint was not written.`,
  );
}

/** For a message alone: that the lease is lost is known already. */
const ownerOf = (store: Store, key: StepKey, token: number): Promise<string> =>
  readLease(store, pathOf(key, token)).then(
    (lease) => lease?.owner ?? 'another process',
    () => 'another process, whose lease cannot be read',
  );

const readLease = (store: Store, path: string) =>
  readJson(store, path, {
    schema: leaseSchema,
    what: 'a lease',
    remedy: 'Its number alone decides who may write; leave it.',
  });

async function highestListed(store: Store, key: StepKey): Promise<number> {
  const tokens = (await listFiles(store, folderOf(key))).map(({ path }) => tokenOf(path));
  return tokens.reduce<number>((highest, token) => Math.max(highest, token ?? 0), 0);
}

/** The token that a file of the folder is of; null for one that no taking has made, such as of a number that has no next. */
function tokenOf(path: string): number | null {
  const [, digits = ''] = /\/(\d{8,15})\.json$/.exec(path) ?? [];
  return digits !== '' && nameOf(Number(digits)) === digits ? Number(digits) : null;
}

/** When a process took the lease, and which it was. */
export interface TakenLease {
  readonly token: number;
  readonly owner: string;
  readonly takenAt: string;
}

/**
 * Every taking of a step's lease, the first first; a damaged file is left out, and told to `onDamage`.
 *
 * @throws ContrailError StoreUnreadable
 */
export async function listLeases(
  store: Store,
  key: StepKey,
  onDamage: (problem: string) => void = () => {},
): Promise<readonly TakenLease[]> {
  const files = await listFiles(store, folderOf(key));
  const leases = await Promise.all(
    files.map(async ({ path }) => {
      const token = tokenOf(path);
      const lease = token === null ? null : await unlessDamaged(readLease(store, path), onDamage);
      return lease && token !== null ? [{ ...lease, token }] : [];
    }),
  );
  return leases.flat().sort((a, b) => a.token - b.token);
}
