/** How long work may go on before other work has its turn. */
const mostMs = 100;

/** To be called again and again by long work: says how far it is, and lets others have their turn; may throw to stop. */
export type Turn = (done: number, total: number) => Promise<void>;

/** @param report is told how far the work is, and may throw to stop */
export function turns(report: (done: number, total: number) => void): Turn {
  let last = performance.now();
  return async (done, total) => {
    if (performance.now() - last < mostMs) return;
    report(done, total);
    await new Promise(setImmediate);
    last = performance.now();
  };
}
