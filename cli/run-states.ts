/** A state of the run's own, as Temporal names it in small letters, or what takes its place where the server has none. */
export function stateOf(execution: string | undefined, status: string | undefined, isAsked: boolean): string {
  if (execution === undefined) return isAsked ? 'not-on-server' : 'unknown';
  return execution === 'RUNNING' && status === 'paused' ? 'paused' : execution.toLowerCase();
}

/** How a state is put for people. */
export const stateText = (state: string): string => (state === 'not-on-server' ? 'not on this server' : state);
