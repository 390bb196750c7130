import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';

const errorLines = 8;
const patienceMilliseconds = 5000;

/** A program that answers each line of JSON with one. */
export interface LineProcess {
  /** @throws when the program answers `{ error }`, and when it ends before it answers */
  readonly ask: (command: string, operands: Readonly<Record<string, unknown>>) => Promise<Record<string, unknown>>;
  /** Ends the program, by force if it is still busy after a few seconds. */
  readonly close: () => Promise<void>;
}

export function openLineProcess(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): LineProcess {
  const child = spawn(program, [...args], { stdio: 'pipe', env: environment });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    said.push(line);
    if (said.length > errorLines) said.shift();
  });
  let failure = '';
  child.on('error', (error) => {
    failure = error.message;
  });
  // A write to a program that has ended fails; the answers end too, and say so.
  child.stdin.on('error', () => {});
  const closed = once(child, 'close').catch(() => {});

  const ask = async (command: string, operands: Readonly<Record<string, unknown>>) => {
    child.stdin.write(`${JSON.stringify({ ...operands, command })}\n`);
    const { value, done } = await answers.next();
    if (done) {
      await closed;
      const how = failure || (child.signalCode ? `by ${child.signalCode}` : `with code ${child.exitCode}`);
      throw new Error([`${program} ended before it answered ${command}: ${how}`, ...said].join('\n'));
    }
    const answer = JSON.parse(value) as Record<string, unknown>;
    if (answer.error !== undefined) throw new Error(`${command} failed: ${answer.error}`);
    return answer;
  };

  const close = async () => {
    child.stdin.end(`${JSON.stringify({ command: 'close' })}\n`);
    void answers.next();
    const late = new AbortController();
    const force = wait(patienceMilliseconds, undefined, { signal: late.signal }).then(
      () => child.kill('SIGKILL'),
      () => {},
    );
    await closed;
    late.abort();
    await force;
  };
  return { ask, close };
}
