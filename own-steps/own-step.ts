import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactRef, artifactRefSchema, type CodeRef } from '../contracts/artifacts.ts';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import type { OwnKind } from '../contracts/own-kind.ts';
import { loadOwnState, saveOwnState, unlessDamaged } from '../store/index.ts';
import { type Attempt, passedOn, runProcess } from './attempt.ts';
import { followCheckpoints } from './checkpoints.ts';
import { childCommand, linkPackages, readAnswer, readPackages, writeTask } from './child-process.ts';
import { storeWritten } from './dataset-output.ts';
import { placeIn } from './describe.ts';
import { storedOutputs, storeOutput } from './outputs.ts';
import { requireSuccess } from './program-end.ts';
import { readBounded } from './result.ts';
import { secretsOf } from './secrets.ts';
import { unpack } from './unpack.ts';
import { makeWorkspace, type Workspace } from './workspace.ts';

/** An attempt of a step of the user's own. */
export interface OwnStepWork extends Attempt {
  readonly kind: OwnKind;
  readonly parameters: Readonly<Record<string, Json>>;
  readonly inputs: Readonly<Record<string, ArtifactRef>>;
  readonly code: CodeRef;
  /** What its result, and a state that it keeps, follow from. */
  readonly fingerprint: string;
}

/**
 * Runs a step of the user's own in a process of its own, and stores what it made.
 *
 * @throws ContrailError ProgramFailed, ProgramRefused, InvalidResult, InvalidInput; the signal's reason
 */
export async function runOwnStep(work: OwnStepWork): Promise<{ readonly [name: string]: Json }> {
  const { kind, store } = work;
  const passed = passedOn(kind.passEnv, work.environment);
  const secrets = secretsOf(Object.values(passed));
  const space = await makeWorkspace(work.cacheFolder);
  // Ends the process when a state that it keeps cannot be kept.
  const failing = new AbortController();
  const signal = AbortSignal.any([work.signal, failing.signal]);
  try {
    const { task, outputsFolder, checkpoints } = await layOut(work, space);
    const endCheckpoints = followCheckpoints(checkpoints, {
      secrets,
      keep: (state) => saveOwnState(store, work.key, { fingerprint: work.fingerprint, state }),
      fail: (error) => failing.abort(error),
    });
    const { end, last } = await runProcess(work, {
      space,
      secrets,
      signal,
      command: childCommand(task),
      env: passed,
    }).finally(endCheckpoints);
    const text = await readBounded(space.resultFile);
    const answer = await readAnswer(text);
    if (answer && 'failure' in answer) {
      const { code, message } = answer.failure;
      const place = code === 'ProgramFailed' || code === 'ProgramRefused' ? placeIn(space.work, last.join('\n')) : '';
      throw new ContrailError(code, `${kind.file} failed: ${place}${secrets.hide(message)}`);
    }
    requireSuccess(end, last, { program: kind.file });
    if (!answer || !('result' in answer))
      throw new ContrailError('InvalidResult', `${kind.file} ended without a result.`);
    if (secrets.isIn(text ?? ''))
      throw new ContrailError('InvalidResult', 'The result holds the value of a variable of passEnv.');
    const artifacts = await storedOutputs(store, Object.entries(kind.outputs), (name, made) =>
      made === 'dataset'
        ? storeWritten(work, { name, work: outputsFolder })
        : storeOutput(store, { name, output: { folder: name }, work: outputsFolder, signal }),
    );
    return { ...(answer.result as Record<string, Json>), ...artifacts };
  } finally {
    await space.remove();
  }
}

/** Puts the step's files, inputs and outputs in their places. */
async function layOut(work: OwnStepWork, space: Workspace) {
  const { kind, store, key, signal } = work;
  await unpack(store, work.code, space.work, { signal, writable: true });
  await linkPackages(space.work, await readPackages(space.work), process.cwd());
  const inputs: Record<string, string> = {};
  for (const name of Object.keys(kind.inputs))
    inputs[name] = await unpack(store, artifactRefSchema.parse(work.inputs[name]), join(space.inputs, name), {
      signal,
    });
  const outputsFolder = join(space.work, '..', 'outputs');
  const outputs = Object.fromEntries(Object.keys(kind.outputs).map((name) => [name, join(outputsFolder, name)]));
  for (const folder of Object.values(outputs)) await mkdir(folder, { recursive: true });
  const checkpoints = join(space.work, '..', 'state');
  const state = await unlessDamaged(loadOwnState(store, key, work.fingerprint), work.onLine);
  const task = await writeTask(space, {
    file: join(space.work, kind.file),
    answer: space.resultFile,
    run: {
      ...key,
      attempt: work.attempt,
      parameters: { ...work.parameters },
      inputs,
      outputs,
      progress: space.progressFile,
      state,
      checkpoints,
    },
  });
  return { task, outputsFolder, checkpoints };
}
