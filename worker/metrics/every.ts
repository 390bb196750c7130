/** Does something again and again, each time so long after the last has ended. @returns ends it, once what is going on is over */
export function every(ms: number, work: () => Promise<void>): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const turn = async (): Promise<void> => {
    await work();
    if (stopped) return;
    timer = setTimeout(() => {
      running = turn();
    }, ms);
    timer.unref();
  };
  let running = turn();
  return () => {
    stopped = true;
    clearTimeout(timer);
    return running;
  };
}
