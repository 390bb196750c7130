import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { childEnvironment } from '../contracts/child-environment.ts';

const execute = promisify(execFile);

/**
 * Runs a program to its end and gives what it printed.
 *
 * @param purpose which of this process's variables it gets beside `environment`
 * @param timeoutMs after this it is ended; 0 waits for ever
 * @throws with the last lines of its error output
 */
export async function runProgram(...call: Parameters<typeof outputsOf>): Promise<string> {
  return (await outputsOf(...call)).stdout;
}

/** The same, with what it wrote to its error output. */
export async function outputsOf(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  purpose: Parameters<typeof childEnvironment>[1] = 'compute',
  timeoutMs = 0,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  try {
    return await execute(program, [...args], {
      maxBuffer: 64 * 1024 * 1024,
      timeout: timeoutMs,
      env: { ...childEnvironment(process.env, purpose), ...environment },
    });
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const lines = output.split('\n').filter((line) => line.trim() !== '');
    throw new Error(
      `${program} failed: ${lines.slice(-4).join(' | ') || (error instanceof Error ? error.message : String(error))}`,
      { cause: error },
    );
  }
}
