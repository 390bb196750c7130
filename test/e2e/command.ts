import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Home } from '../../home/home.ts';

const contrail = fileURLToPath(new URL('../../cli/contrail.mjs', import.meta.url));

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the `contrail` command in a process of its own, as a person would. */
export const runCommand = (
  home: Home,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  onError: (stderr: string) => void = () => {},
): Promise<Answer> =>
  new Promise((resolve) => {
    const env = { ...process.env, CONTRAIL_HOME: home.folder, NO_COLOR: '1', ...environment };
    const options = { env, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(process.execPath, [contrail, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
    let said = '';
    child.stderr?.on('data', (data) => {
      said += String(data);
      onError(said);
    });
  });

/** Runs a command that prints JSON. @throws Error with what it said when it fails */
export async function runForJson(home: Home, args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCommand(home, [...args, '--json']);
  if (code !== 0) throw new Error(`contrail ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
