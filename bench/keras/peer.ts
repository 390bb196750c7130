import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { allocatorEnvironment } from '../../training/process/environment.ts';
import { kerasPython } from './environment.ts';

/** A Keras process that answers commands one after another. */
export interface KerasPeer {
  readonly ask: (command: string, operands?: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
  readonly close: () => void;
}

/** Starts Keras in its own Python environment; with the allocator settings of our trainers, or as its users start it. */
export async function openKeras(allocator: 'ours' | 'default'): Promise<KerasPeer> {
  const program = fileURLToPath(new URL('peer.py', import.meta.url));
  const child = spawn(await kerasPython(), ['-B', program], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: allocator === 'ours' ? process.env : withoutAllocatorSettings(),
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (command, operands = {}) => {
      child.stdin.write(`${JSON.stringify({ command, ...operands })}\n`);
      const { value, done } = await answers.next();
      if (done) throw new Error(`Keras ended while it was asked to ${command}.`);
      const answer = JSON.parse(value) as Record<string, unknown>;
      if (answer.error !== undefined) throw new Error(`Keras could not ${command}: ${answer.error}`);
      return answer;
    },
    close: () => child.kill(),
  };
}

const withoutAllocatorSettings = () =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !(name in allocatorEnvironment)));
