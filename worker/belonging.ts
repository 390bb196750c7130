import { statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { type Home, makeHome } from '../home/home.ts';
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
const ownerSchema = z.object({ store: z.uuid(), storeAt: z.string(), home: z.uuid(), homeAt: z.string() });
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
      await client.connection.withDeadline(Date.now() + patienceMs, () =>
        client.workflow.start(ownerWorkflow, {
          workflowId: ownerWorkflow,
          taskQueue: ownerWorkflow,
          startDelay: aCentury,
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          workflowIdConflictPolicy: 'FAIL',
          memo: owner,
          staticSummary: `This namespace belongs to the store ${owner.store} (${owner.storeAt})`,
        }),
      );
      return owner;
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}

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
 * Refuses a store that has the id of the one to which a namespace belongs, and is another one: a copy. Folders of this machine are
 * looked at, and buckets told apart by their names.
 *
 * @throws ContrailError WrongServer
 */
export function requireNoCopy(found: Owner, ours: Owner, where: string): void {
  const [first, second] = [found, ours].map(({ storeAt }) => {
    if (storeAt.startsWith('s3:')) return storeAt;
    const path = storeAt.slice(hostname().length + 1);
    const file = storeAt.startsWith(`${hostname()}:`)
      ? statSync(join(path, storeFile), { throwIfNoEntry: false })
      : undefined;
    return file && `${file.dev} ${file.ino}`;
  });
  if (first === undefined || second === undefined || first === second) return;
  throw new ContrailError(
    'WrongServer',
    `${where} belongs to the store at ${found.storeAt}, and that at ${ours.storeAt} is a copy of it. Nothing was done. Set CONTRAIL_STORE to the first; or remove ${storeFile} from the copy, and let it be a store of its own with another server or namespace.`,
  );
}
