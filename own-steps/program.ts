import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { type RunParameters, run as runKind, variableOf, withPlaces } from '../contracts/kinds/run.ts';
import { type Attempt, passedOn, runProcess } from './attempt.ts';
import { storeImages } from './dataset-output.ts';
import { pathOfOutput, storedOutputs, storeOutput } from './outputs.ts';
import { requireSuccess } from './program-end.ts';
import { readResult } from './result.ts';
import { type Secrets, secretsOf } from './secrets.ts';
import { unpack } from './unpack.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** An attempt of a step of kind run. */
export interface ProgramRun extends Attempt {
  readonly parameters: RunParameters;
  /** The files that it needs, as they were when the run was started. */
  readonly code: ArtifactRef | undefined;
}

type Result = { readonly [name: string]: Json };

/**
 * Runs a program in a folder and a process group of its own, and stores what it made.
 *
 * @throws ContrailError ProgramFailed, ProgramRefused, InvalidResult, InvalidInput, FileMissing; the signal's reason
 */
export async function runProgram(program: ProgramRun): Promise<Result> {
  const { parameters, cacheFolder, signal } = program;
  const passed = passedOn(parameters.passEnv, program.environment);
  const secrets = secretsOf(Object.values(passed));
  const space = await makeWorkspace(cacheFolder);
  try {
    const inputs = await layOut(program, space);
    const outputs = Object.fromEntries(
      Object.entries(parameters.outputs).map(([name, output]) => [name, join(space.work, pathOfOutput(output))]),
    );
    const fill = (word: unknown) => withPlaces(String(word), { inputs, outputs });
    const words = parameters.command.map(fill);
    const { end, last } = await runProcess(program, {
      space,
      secrets,
      signal,
      command: parameters.shell ? ['/bin/sh', '-c', words[0] ?? ''] : words,
      env: {
        ...placesIn('INPUT', inputs),
        ...placesIn('OUTPUT', outputs),
        ...toldOf(program, space),
        ...Object.fromEntries(Object.entries(parameters.env).map(([name, value]) => [name, fill(value)])),
        ...passed,
      },
    });
    requireSuccess(end, last, { program: secrets.hide(words[0] ?? ''), noRetry: parameters.noRetry });
    return await collect(program, space, secrets);
  } finally {
    await space.remove();
  }
}

const placesIn = (of: 'INPUT' | 'OUTPUT', places: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(places).map(([name, path]) => [`CONTRAIL_${of}_${variableOf(name)}`, path]));

const toldOf = ({ key, attempt }: ProgramRun, { resultFile, progressFile }: Workspace) => ({
  CONTRAIL_RUN: key.run,
  CONTRAIL_STEP: key.step,
  CONTRAIL_ATTEMPT: String(attempt),
  CONTRAIL_RESULT: resultFile,
  CONTRAIL_PROGRESS: progressFile,
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

/** @throws ContrailError InvalidResult */
async function collect(program: ProgramRun, space: Workspace, secrets: Secrets): Promise<Result> {
  const { store, parameters, signal } = program;
  const fields = await readResult(space.resultFile, secrets);
  const { outputs } = parameters;
  const twice = Object.keys(fields).find((name) => Object.hasOwn(outputs, name));
  if (twice !== undefined)
    throw new ContrailError('InvalidResult', `The result has a field ${twice}, and so is an output called.`);
  const artifacts = await storedOutputs(store, Object.entries(outputs), (name, output) =>
    'dataset' in output
      ? storeImages(program, { name, output, space })
      : storeOutput(store, { name, output, work: space.work, signal }),
  );
  const parsed = runKind.outcome(parameters).result.safeParse({ ...fields, ...artifacts });
  if (parsed.success) return parsed.data as Result;
  throw new ContrailError(
    'InvalidResult',
    `The result is not what \`result\` declares: ${z.prettifyError(parsed.error)}`,
  );
}
