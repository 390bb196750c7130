import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { childEnvironment } from '../contracts/child-environment.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { StepKey } from '../contracts/identifiers.ts';
import type { Json } from '../contracts/json.ts';
import { type RunParams, run as runKind, variableOf, withPlaces } from '../contracts/kinds/run.ts';
import type { TrainerProgress } from '../contracts/trainer.ts';
import type { Store } from '../store/index.ts';
import { createOutput } from './output.ts';
import { pathOfOutput, storeOutput } from './outputs.ts';
import { type ProgramEnd, runGroup } from './process-group.ts';
import { followProgress } from './progress.ts';
import { readResult } from './result.ts';
import { type Secrets, secretsOf } from './secrets.ts';
import { unpack } from './unpack.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** How long a program that is cancelled may take to end by itself. */
const programGraceMs = 10_000;

export interface ProgramRun {
  readonly key: StepKey;
  readonly attempt: number;
  readonly parameters: RunParams;
  /** The files that it needs, as they were when the run was started. */
  readonly code: ArtifactRef | undefined;
  readonly store: Store;
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
  readonly onProgress: (progress: TrainerProgress) => void;
  /** Of the worker. @default process.env */
  readonly environment?: NodeJS.ProcessEnv;
  /** @default 10_000 */
  readonly graceMs?: number;
}

type Result = { readonly [name: string]: Json };

/**
 * Runs a program in a folder and a process group of its own, and stores what it made.
 *
 * @throws ContrailError ProgramFailed, ProgramRefused, InvalidResult, InvalidInput, FileMissing; the signal's reason
 */
export async function runProgram(program: ProgramRun): Promise<Result> {
  const { parameters, cacheFolder, signal, environment = process.env } = program;
  const passed = passedOn(parameters.passEnv, environment);
  const secrets = secretsOf(Object.values(passed));
  const space = await makeWorkspace(cacheFolder);
  try {
    const inputs = await layOut(program, space);
    const outputs = Object.fromEntries(
      Object.entries(parameters.outputs).map(([name, output]) => [name, join(space.work, pathOfOutput(output))]),
    );
    const fill = (word: unknown) => withPlaces(String(word), { inputs, outputs });
    const words = parameters.command.map(fill);
    const output = createOutput(secrets, program.onLine);
    const endProgress = followProgress(space.progressFile, (progress) =>
      program.onProgress({ ...progress, phase: secrets.hide(progress.phase) }),
    );
    let end: ProgramEnd;
    try {
      end = await runGroup(
        {
          command: parameters.shell ? ['/bin/sh', '-c', words[0] ?? ''] : words,
          cwd: space.work,
          env: {
            ...childEnvironment(environment, 'compute'),
            ...placesIn('INPUT', inputs),
            ...placesIn('OUTPUT', outputs),
            ...toldOf(program, space),
            ...Object.fromEntries(Object.entries(parameters.env).map(([name, value]) => [name, fill(value)])),
            ...passed,
          },
        },
        {
          signal,
          graceMs: program.graceMs ?? programGraceMs,
          onOutput: (stdout, stderr) => {
            output.read(stdout);
            output.read(stderr);
          },
        },
      );
    } finally {
      endProgress();
    }
    signal.throwIfAborted();
    requireSuccess(end, parameters, secrets.hide(words[0] ?? ''), output.last());
    return await collect(program, space, secrets);
  } finally {
    await space.remove();
  }
}

/** @throws ContrailError InvalidInput that names the variable */
export function passedOn(names: readonly string[], environment: NodeJS.ProcessEnv): Record<string, string> {
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

const placesIn = (of: 'INPUT' | 'OUTPUT', places: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(places).map(([name, path]) => [`CONTRAIL_${of}_${variableOf(name)}`, path]));

const toldOf = ({ key, attempt }: ProgramRun, { resultFile, progressFile, temporary }: Workspace) => ({
  CONTRAIL_RUN: key.run,
  CONTRAIL_STEP: key.step,
  CONTRAIL_ATTEMPT: String(attempt),
  CONTRAIL_RESULT: resultFile,
  CONTRAIL_PROGRESS: progressFile,
  TMPDIR: temporary,
});

/** Puts the program's files and inputs in their places. @returns where each input is */
async function layOut({ store, code, parameters, signal }: ProgramRun, space: Workspace) {
  if (code) await unpack(store, code, space.work, { signal, writable: true });
  const inputs: Record<string, string> = {};
  for (const [name, ref] of Object.entries(parameters.inputs))
    inputs[name] = await unpack(store, ref, join(space.inputs, name), { signal });
  for (const output of Object.values(parameters.outputs))
    await mkdir(dirname(join(space.work, pathOfOutput(output))), { recursive: true });
  return inputs;
}

/** @throws ContrailError that says how the program ended, with the last that it printed */
export function requireSuccess(
  end: ProgramEnd,
  { noRetry }: Pick<RunParams, 'noRetry'>,
  program: string,
  last: readonly string[],
): void {
  if (end.how === 'exit' && end.code === 0) return;
  if (end.how === 'not-started') {
    const isMissing = end.code === 'ENOENT';
    throw new ContrailError(
      isMissing ? 'FileMissing' : 'InvalidInput',
      isMissing
        ? `There is no program ${program} on this worker, nor among the sources of the step. Install it, or name it by its path from the folder of the pipeline.`
        : `The program ${program} could not be started: ${end.message}.`,
    );
  }
  const how =
    end.how === 'signal'
      ? `was killed by ${end.signal}${end.signal === 'SIGKILL' ? ', as a rule for want of memory' : ''}`
      : `ended with exit code ${end.code}${signalOf(end.code)}`;
  const said = last.length > 0 ? ` It last printed:\n${last.join('\n')}` : ' It printed nothing.';
  const isPermanent = end.how === 'exit' && noRetry.includes(end.code);
  throw new ContrailError(isPermanent ? 'ProgramRefused' : 'ProgramFailed', `${program} ${how}.${said}`);
}

/** A shell gives 128 and the number of the signal that ended its program. */
function signalOf(code: number): string {
  const [name] = Object.entries(constants.signals).find(([, number]) => number === code - 128) ?? [];
  return name === undefined ? '' : `, which stands for ${name}`;
}

/** @throws ContrailError InvalidResult */
async function collect({ store, parameters, signal }: ProgramRun, space: Workspace, secrets: Secrets): Promise<Result> {
  const fields = await readResult(space.resultFile, secrets);
  const { outputs } = parameters;
  const twice = Object.keys(fields).find((name) => Object.hasOwn(outputs, name));
  if (twice !== undefined)
    throw new ContrailError('InvalidResult', `The result has a field ${twice}, and so is an output called.`);
  const artifacts: Record<string, Json> = {};
  for (const [name, output] of Object.entries(outputs))
    artifacts[name] = { ...(await storeOutput(store, { name, output, work: space.work, signal })) };
  const parsed = runKind.outcome(parameters).result.safeParse({ ...fields, ...artifacts });
  if (parsed.success) return parsed.data as Result;
  throw new ContrailError(
    'InvalidResult',
    `The result is not what \`result\` declares: ${z.prettifyError(parsed.error)}`,
  );
}
