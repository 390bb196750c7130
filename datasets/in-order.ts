/** Images under way at a time. */
const concurrency = 16;

/**
 * Does the work of several items at a time, and gives what comes out in the order of the items, however long each takes. No
 * more items are taken than are under way.
 */
export async function* inOrder<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
): AsyncGenerator<R> {
  const underWay: Promise<R>[] = [];
  try {
    for await (const item of items) {
      signal?.throwIfAborted();
      const working = work(item);
      // It is awaited when its turn comes.
      working.catch(() => {});
      underWay.push(working);
      if (underWay.length === concurrency) yield (await underWay.shift()) as R;
    }
    for (let next = underWay.shift(); next; next = underWay.shift()) {
      signal?.throwIfAborted();
      yield await next;
    }
  } finally {
    await Promise.allSettled(underWay);
  }
}
