import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';

const program = process.env.CONTRAIL_PROMTOOL ?? 'promtool';

/** Whether promtool can judge rules and metrics here; where it cannot, a line says so. */
export const hasPromtool = canRun();
if (!hasPromtool)
  console.warn(
    `No ${program} here, so the alert rules are NOT TESTED and queries are not parsed. It comes with Prometheus (Debian's package prometheus); CONTRAIL_PROMTOOL names it.`,
  );

function canRun(): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What promtool says. @throws with that where it finds something wrong */
export async function promtool(args: readonly string[], input?: string): Promise<string> {
  const running = promisify(execFile)(program, [...args]);
  running.child.stdin?.end(input);
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
  }
}
