import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { TrainerProgress } from '../contracts/trainer.ts';
import type { Store } from '../store/index.ts';
import { createOutput } from './output.ts';
import { type ProgramEnd, type ProgramStart, runGroup } from './process-group.ts';
import { followProgress } from './progress.ts';
import type { Secrets } from './secrets.ts';
import type { Workspace } from './workspace.ts';

/** An attempt of a step that runs code of the user's own: where, for whom, and who is told. */
export interface Attempt {
  readonly key: StepKey;
  readonly attempt: number;
  readonly store: Store;
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  readonly onProgress: (progress: TrainerProgress) => void;
  /** Of the worker. @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** Variables of its process beside those, and before those that its step sets. @default none */
  readonly told?: Readonly<Record<string, string>>;
  /** How long a process that is cancelled may take to end by itself. @default 10_000 */
  readonly graceMs?: number;
}

const usualGraceMs = 10_000;

/**
 * Runs the process of an attempt, and passes on what it prints and how far it is.
 *
 * @returns how it ended, and the last lines that it printed
 * @throws the signal's reason
 */
export async function runProcess(
  { onLine, onProgress, environment = process.env, told = {}, graceMs = usualGraceMs }: Attempt,
  {
    space,
    secrets,
    signal,
    command,
    env,
  }: Omit<ProgramStart, 'cwd'> & {
    readonly space: Workspace;
    readonly secrets: Secrets;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly end: ProgramEnd; readonly last: readonly string[] }> {
  const output = createOutput(secrets, onLine);
  const endProgress = followProgress(space.progressFile, (progress) =>
    onProgress({ ...progress, phase: secrets.hide(progress.phase) }),
  );
  try {
    const end = await runGroup(
      {
        command,
        cwd: space.work,
        env: { ...childEnvironment(environment, 'compute'), ...told, TMPDIR: space.temporary, ...env },
      },
      { signal, graceMs, onOutput: output.read },
    );
    signal.throwIfAborted();
    return { end, last: output.last() };
  } finally {
    endProgress();
  }
}

/** The worker's variables that a step asks for. @throws ContrailError InvalidInput that names one that it lacks */
export function passedOn(names: readonly string[], environment: NodeJS.ProcessEnv = process.env) {
  return Object.fromEntries(
    names.map((name) => {
      const value = environment[name];
      if (value === undefined)
        throw new ContrailError(
          'InvalidInput',
          `This worker has no environment variable ${name}, which passEnv names.`,
        );
      return [name, value];
    }),
  );
}
