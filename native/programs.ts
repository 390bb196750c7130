import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end and gives what it printed. @throws with the last lines of its error output */
export async function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await execute(program, [...args], {
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...environment },
    });
    return stdout;
  } catch (error) {
    const output = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    const lines = output.split('\n').filter((line) => line.trim() !== '');
    throw new Error(
      `${program} failed: ${lines.slice(-4).join(' | ') || (error instanceof Error ? error.message : String(error))}`,
      { cause: error },
    );
  }
}
