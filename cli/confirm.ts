import { createInterface } from 'node:readline/promises';
import { ContrailError } from '../contracts/errors.ts';
import { forTerminal } from './output.ts';

/** Asks a person; anything but yes is no. @throws ContrailError Usage where nobody can answer */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new ContrailError('Usage', `${question} Confirm it with --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(forTerminal(`${question} [y/N] `))).trim());
  } finally {
    terminal.close();
  }
}
