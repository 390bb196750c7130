/**
 * Does something again and again, each time so long after the last has ended.
 *
 * @param work is given a signal that is aborted once it shall end
 * @returns ends it, once what is going on is over
 */
export function every(ms: number, work: (signal: AbortSignal) => Promise<void>): () => Promise<void> {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const turn = async (): Promise<void> => {
    await work(stopping.signal);
    if (stopping.signal.aborted) return;
    timer = setTimeout(() => {
      running = turn();
    }, ms);
    timer.unref();
  };
  let running = turn();
  return () => {
    stopping.abort();
    clearTimeout(timer);
    return running;
  };
}
