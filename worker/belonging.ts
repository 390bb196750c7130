import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { type Home, makeHome } from '../home/home.ts';
import { keyIdOf, type PayloadKeys } from '../payloads/index.ts';
import { identityOf, openStore, storeFile } from '../store/index.ts';

/**
 * The workflow that says in its memo which store a namespace belongs to. It never runs: it waits for a start that is a century
 * away, on a queue that nobody serves. Any client may start one, a server makes sure that there is one at most, and retention
 * never removes what has not ended.
 */
const ownerWorkflow = 'contrail-store';
const aCentury = '36500 days';
const patienceMs = 15_000;

/** A store and the home that speaks for it. Places are for people; ids decide. */
export const ownerSchema = z.object({ store: z.uuid(), storeAt: z.string(), home: z.uuid(), homeAt: z.string() });
export type Owner = z.infer<typeof ownerSchema>;

/** Who a home and its store are. Both are told who they are, where they were not yet. */
export async function ownerOfHome(home: Home): Promise<Owner> {
  await makeHome(home);
  const [store, own] = await Promise.all([
    identityOf(openStore(home.storeUrl)),
    identityOf(openStore(home.folder), 'home.json'),
  ]);
  return { store, storeAt: placeOf(home.storeUrl), home: own, homeAt: placeOf(home.folder) };
}

/** A folder is one of this machine; a bucket is the same from everywhere, however it is reached. */
function placeOf(place: string): string {
  if (place.startsWith('s3:')) return place.replace(/\/?(\?.*)?$/, '');
  return `${hostname()}:${place.startsWith('file:') ? fileURLToPath(place) : place}`;
}

/**
 * Whose the namespace of a client is; null as long as it is nobody's.
 *
 * @throws ContrailError PayloadsUnreadable where it was said with another key, or without one though this client has keys
 * @throws Error when the server does not say
 */
export async function ownerOfNamespace(client: Client): Promise<Owner | null> {
  try {
    const { status, memo } = await client.connection.withDeadline(Date.now() + patienceMs, () =>
      client.workflow.getHandle(ownerWorkflow).describe(),
    );
    // One that was ended gives the namespace up.
    return status.name === 'RUNNING' ? ownerSchema.parse(memo) : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

/** Makes the namespace that of this owner, unless it is somebody's. @returns whose it is now */
export async function claimNamespace(client: Client, owner: Owner): Promise<Owner> {
  for (;;) {
    const found = await ownerOfNamespace(client);
    if (found) return found;
    try {
      await startOwner(client, owner, 'FAIL');
      return owner;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}

/**
 * Has what says whose the namespace is encrypted by the current key, where an earlier key did it: who changes keys can then give the
 * earlier one up. At no time is the namespace nobody's.
 *
 * @returns whether anything was done
 */
export async function renewClaim(client: Client, keys: PayloadKeys | null): Promise<boolean> {
  if (keys === null) return false;
  const { raw, status, memo } = await client.connection.withDeadline(Date.now() + patienceMs, () =>
    client.workflow.getHandle(ownerWorkflow).describe(),
  );
  const [field] = Object.values(raw.workflowExecutionInfo?.memo?.fields ?? {});
  if (status.name !== 'RUNNING' || !field || keyIdOf(field) === keys.current) return false;
  await startOwner(client, ownerSchema.parse(memo), 'TERMINATE_EXISTING');
  return true;
}

const startOwner = (client: Client, owner: Owner, workflowIdConflictPolicy: 'FAIL' | 'TERMINATE_EXISTING') =>
  client.connection.withDeadline(Date.now() + patienceMs, () =>
    client.workflow.start(ownerWorkflow, {
      workflowId: ownerWorkflow,
      taskQueue: ownerWorkflow,
      startDelay: aCentury,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy,
      memo: owner,
      staticSummary: `This namespace belongs to the store ${owner.store} (${owner.storeAt})`,
    }),
  );

/**
 * Refuses to go on where a namespace belongs to another store.
 *
 * @param where server and namespace, as a person knows them
 * @throws ContrailError WrongServer
 */
export function requireSameStore(found: Owner, ours: Owner, where: string): void {
  if (found.store === ours.store) return;
  throw new ContrailError(
    'WrongServer',
    `${where} belongs to the store ${found.store} (${found.storeAt}); this is the store ${ours.store} (${ours.storeAt}). Nothing was done. Set CONTRAIL_STORE to the first, or TEMPORAL_ADDRESS or TEMPORAL_NAMESPACE to the server or namespace of the second. Only if the first store is gone for good: \`temporal workflow terminate --workflow-id ${ownerWorkflow}\` there, and the next store that comes has the namespace.`,
  );
}

/**
 * Refuses a store that has the id of the one to which a namespace belongs, and is another one: a copy. Folders of this machine and
 * buckets are looked at; one that is gone, or that this machine cannot look at, is not in the way.
 *
 * @throws ContrailError WrongServer
 */
export async function requireNoCopy(found: Owner, ours: Owner, where: string): Promise<void> {
  if (found.storeAt === ours.storeAt) return;
  const [first, second] = await Promise.all([found.storeAt, ours.storeAt].map(markOfStore));
  if (first === null || second === null || first === second) return;
  throw new ContrailError(
    'WrongServer',
    `${where} belongs to the store at ${found.storeAt}, and that at ${ours.storeAt} is a copy of it. Nothing was done. Set CONTRAIL_STORE to the first; or remove ${storeFile} from the copy, and let it be a store of its own with another server or namespace. If the copy is to take the place of the first, remove ${storeFile} from the first.`,
  );
}

/** What tells the store at a place from another; null where there is none, or it cannot be looked at from here. */
async function markOfStore(place: string): Promise<string | null> {
  if (place.startsWith('s3:'))
    return (await openStore(place)
      .exists(storeFile)
      .catch(() => false))
      ? place
      : null;
  if (!place.startsWith(`${hostname()}:`)) return null;
  const file = statSync(join(place.slice(hostname().length + 1), storeFile), { throwIfNoEntry: false });
  return file ? `${file.dev} ${file.ino}` : null;
}
