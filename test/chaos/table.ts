import Table from 'cli-table3';
import type { RunSaid, Said } from './messages.ts';

/** What came of it all, as text, and whether nothing was lost or left. */
export function tableOf(
  said: readonly Said[],
  { seed, seconds }: { readonly seed: number; readonly seconds: number },
): { readonly text: string; readonly isWhole: boolean } {
  const runs = said.filter((each): each is RunSaid => each.is === 'run');
  const counts = new Map<string, { times: number; runs: Set<string>; stopped: Set<string>; lost: Set<string> }>();
  for (const { run, struck, stops, lost } of runs)
    for (const { fault } of struck) {
      const row = counts.get(fault) ?? { times: 0, runs: new Set(), stopped: new Set(), lost: new Set() };
      row.times++;
      row.runs.add(run);
      if (stops.length > 0) row.stopped.add(run);
      if (lost.length > 0) row.lost.add(run);
      counts.set(fault, row);
    }
  const none = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const table = new Table({
    chars: none,
    head: ['fault', 'times', 'in runs', 'stopped and resumed', 'lost'],
    style: { head: [], border: [] },
  });
  for (const [fault, row] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
    table.push([fault, row.times, row.runs.size, row.stopped.size, row.lost.size]);
  const lost = runs.flatMap(({ run, lost: all }) => all.map((each) => `${run}: ${each}`));
  const left = said.flatMap((each) =>
    each.is === 'world' ? each.left.map((what) => `world ${each.world}: ${what}`) : [],
  );
  const faults = runs.reduce((sum, { struck }) => sum + struck.length, 0);
  const text = [
    table.toString(),
    ...lost.map((each) => `LOST ${each}`),
    ...left.map((each) => `LEFT ${each}`),
    `${faults} faults in ${runs.length} runs, seed ${seed}, ${Math.round(seconds)} s: ${lost.length} lost, ${left.length} left over`,
    '',
  ].join('\n');
  return { text, isWhole: lost.length === 0 && left.length === 0 };
}
