import type { ServerClient } from './connection.ts';
import { say } from './output.ts';

/** Says what became of a run, and where to look at it. */
export function announce({ pageOf }: ServerClient, run: string, what: string): void {
  const page = pageOf(run);
  say(page === null ? what : `${what}; Temporal shows it at ${page}`);
}
