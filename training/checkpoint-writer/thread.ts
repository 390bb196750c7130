import { parentPort } from 'node:worker_threads';
import { explained } from '../../contracts/system-errors.ts';
import { openCheckpoints, openStore } from '../../store/index.ts';
import type { WriteAnswer, WriteRequest } from './messages.ts';

/** The thread that hashes, writes, syncs and verifies checkpoints while the main thread trains. */
const answer = (message: WriteAnswer) => parentPort?.postMessage(message);
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (request: WriteRequest) => {
  last = last.then(() => write(request));
});

async function write({ id, storeUrl, key, lease, checkpoint, keep }: WriteRequest): Promise<void> {
  try {
    const store = openStore(storeUrl);
    const checkpoints = openCheckpoints(store, key);
    const manifest = await checkpoints.commit({ store, key, ...lease }, checkpoint);
    await checkpoints.retain(keep);
    answer({ id, manifest });
  } catch (error) {
    const known = explained(error);
    if (known) answer({ id, code: known.code, message: known.message });
    else answer({ id, code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
