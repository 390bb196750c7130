import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deployPython } from './environment.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const python = await deployPython();
/** Whether hadolint, Docker Compose and the schemas of Kubernetes are here; where they are not, a line says so. */
export const hasTools = python !== null;
if (!hasTools)
  console.warn(
    'What judges deploy/ is not set up, so it is NOT TESTED: `npm test` does it, or `node native/run.mjs test/deploy/make.ts`.',
  );

export const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
if (!hasSystemd) console.warn('No systemd-analyze here, so the units of systemd are NOT TESTED by it.');

interface Verdict {
  readonly ok: boolean;
  readonly said: string;
}

function judged(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Verdict {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH, HOME, ...env },
  });
  if (error) throw error;
  return { ok: status === 0, said: stdout + stderr };
}

const tool = (name: string) => join(dirname(python ?? ''), name);

export const hadolint = (file: string): Verdict => judged(tool('hadolint'), [file]);
export const compose = (env: NodeJS.ProcessEnv, ...args: readonly string[]): Verdict =>
  judged(tool('docker-compose'), args, env);
export const kubernetesValidate = (...files: readonly string[]): Verdict =>
  judged(python ?? '', ['-m', 'kubernetes_validate', '--strict', ...files]);
export const systemdAnalyze = (...args: readonly string[]): Verdict => judged('systemd-analyze', args);
