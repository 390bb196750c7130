import { parentPort, workerData } from 'node:worker_threads';
import { explained } from '../../contracts/system-errors.ts';
import { indexAboutSchema } from '../../contracts/vector-index.ts';
import { openStore, readAbout } from '../../store/index.ts';
import { knownSearcher } from './known-searcher.ts';
import type { SearchAnswer, SearchRequest, SearchThreadData } from './messages.ts';
import { openSearcher } from './open-searcher.ts';
import type { Searcher } from './searcher.ts';

/** The thread that holds one index, or the known images of an evaluation, and searches in it. */
const answer = (message: SearchAnswer, transfer: readonly ArrayBuffer[] = []) =>
  parentPort?.postMessage(message, transfer);

const failure = (error: unknown) => {
  const known = explained(error);
  return known
    ? { code: known.code, message: known.message }
    : { code: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
};

function serve(search: Searcher): void {
  parentPort?.on('message', ({ id, queries, k }: SearchRequest) => {
    try {
      const found = search(queries, k);
      answer({ id, found }, [found.rows.buffer, found.scores.buffer, found.counts.buffer]);
    } catch (error) {
      answer({ id, ...failure(error) });
    }
  });
  answer({ ready: true });
}

const { storeUrl, ref } = workerData as SearchThreadData;
try {
  const store = openStore(storeUrl);
  serve(
    ref.kind === 'evaluation'
      ? await knownSearcher(store, ref)
      : await openSearcher(store, ref, await readAbout(store, ref, indexAboutSchema)),
  );
} catch (error) {
  answer(failure(error));
}
