import { say } from './output.ts';
import { killTree } from './processes.ts';

/** Exit code of a command that Ctrl-C ended. */
export const interruptedCode = 130;

/** A terminal and npm both pass one Ctrl-C on. Two of a person's are further apart. */
const sameInterruptMs = 300;

const killers = new Set<() => readonly number[]>();

/** Has the second Ctrl-C end more than this process's own children. @returns what takes that back */
export function whenKilled(kill: () => readonly number[]): () => void {
  killers.add(kill);
  return () => void killers.delete(kill);
}

/**
 * An AbortSignal for the first Ctrl-C, SIGTERM, or SIGHUP, which a terminal sends when it is closed. The second Ctrl-C or
 * SIGTERM ends this process at once, and with it all that it started.
 */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let since = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      if (!controller.signal.aborted) {
        since = performance.now();
        controller.abort();
      } else if (name !== 'SIGHUP' && performance.now() - since > sameInterruptMs) killAll();
    });
  // What is told of a reader that left (`| head`): there is nobody to go on for.
  process.on('SIGPIPE', () => controller.abort());
  return controller.signal;
}

function killAll(): never {
  const killed = [...new Set([...[...killers].flatMap((kill) => kill()), ...killTree(process.pid)])];
  if (killed.length > 0)
    say(`Killed at once: ${killed.join(', ')}. Checkpoints that were written are kept; runs go on from them.`);
  process.exit(interruptedCode);
}
