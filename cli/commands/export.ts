import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type ExportRequest, exportAnswerSchema } from '../../contracts/export.ts';
import { encoderKindNames } from '../../contracts/training-kinds.ts';
import { openHome } from '../../home/home.ts';
import { trainerEnvironment } from '../../native/paths.ts';
import { loadPlan, loadStepResults, openStore } from '../../store/index.ts';
import { currentModel } from '../current-model.ts';
import { encoderHistory, numbersIn } from '../encoder-history.ts';
import { checkRunId } from '../given-names.ts';
import { print, printJson, say } from '../output.ts';
import { planByNow } from '../plan-by-now.ts';

export interface ExportOptions {
  readonly to: string;
  readonly step?: string;
  readonly model?: string;
  readonly json: boolean;
}

type Found = Pick<ExportRequest, 'run' | 'encoder' | 'classifier' | 'evaluation'>;

/** `contrail export` */
export async function exportCommand(
  run: string | undefined,
  { to, step, model, json }: ExportOptions,
): Promise<number> {
  if ((run === undefined) === (model === undefined))
    throw new ContrailError('Usage', 'Name what to export: either a run, or a model with --model.');
  if (to === '') throw new ContrailError('Usage', 'The folder of --to has no name.');
  const target = resolve(to);
  const there = lstatSync(target, { throwIfNoEntry: false });
  // A folder cannot take the place of a link, which would be found out only after the work.
  if (there?.isSymbolicLink())
    throw new ContrailError('Usage', `${to} is a link. Name a folder that does not exist yet.`);
  if (there && !there.isDirectory())
    throw new ContrailError('Usage', `${to} is a file. Name a folder that does not exist yet.`);
  if (there && readdirSync(target).length > 0)
    throw new ContrailError('Usage', `${to} is not empty. Name a folder that does not exist yet.`);
  const { storeUrl } = openHome();
  const found =
    run === undefined ? await artifactsOfModel(storeUrl, model ?? '') : await artifactsOfRun(storeUrl, run, step);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    const history = await encoderHistory(openStore(storeUrl), found.run, found.encoder);
    // Of an encoder alone, what a promotion kept is what its retrieval measured.
    const evaluation = found.classifier === null && history?.searches.length ? null : found.evaluation;
    const answer = await runExporter({ storeUrl, folder, ...found, evaluation, history });
    if (existsSync(target)) await rmdir(target);
    await chmod(folder, 0o755);
    await rename(folder, target);
    if (json) printJson({ folder: target, ...answer });
    else {
      for (const file of answer.files) print(join(to, file));
      say(
        `The exported model gives the encoder's embeddings (largest difference ${answer.difference.toExponential(1)}).`,
      );
    }
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The current model of a name. */
async function artifactsOfModel(storeUrl: string, model: string): Promise<Found> {
  const { run, encoder, classifier, metrics } = await currentModel(openStore(storeUrl), model);
  return { run, encoder, classifier, evaluation: metrics };
}

/** The encoder of a finished run, with the classifier that was trained on it and what was measured. */
async function artifactsOfRun(storeUrl: string, run: string, step: string | undefined): Promise<Found> {
  checkRunId(run);
  const store = openStore(storeUrl);
  const plan = await loadPlan(store, run);
  if (!plan)
    throw new ContrailError('Usage', `There is no run ${run} in this store. \`contrail list\` shows the runs.`);
  const { steps } = await planByNow(store, run, plan);
  const results = await loadStepResults(store, run);
  const ofKind = (...kinds: readonly string[]) =>
    steps.flatMap(({ id, uses, inputs }) => {
      const result = kinds.includes(uses) ? results[id]?.result : undefined;
      return result ? [{ id, inputs, result }] : [];
    });
  const encoders = ofKind(...encoderKindNames);
  const wanted = encoders.filter(({ id }) => step === undefined || id === step);
  const names = encoders.map(({ id }) => id);
  const [chosen] = wanted;
  if (!chosen)
    throw new ContrailError(
      'Usage',
      names.length === 0
        ? `No training of ${run} has finished yet.`
        : `${run} has no finished training or adapter ${step}. There is: ${names.join(', ')}.`,
    );
  if (wanted.length > 1)
    throw new ContrailError('Usage', `${run} has several encoders. Choose one with --step: ${names.join(', ')}.`);
  const probe = ofKind('linear-probe').find(({ inputs }) => inputs.encoder?.step === chosen.id);
  // A training by cross-entropy has a classifier of its own.
  const classified = probe ?? (chosen.result.classifier === undefined ? undefined : chosen);
  const measured = ofKind('evaluate').find(
    ({ inputs }) => classified !== undefined && inputs.classifier?.step === classified.id,
  );
  const numbers = numbersIn(measured?.result ?? {});
  return {
    run,
    encoder: chosen.result.encoder as unknown as ArtifactRef,
    classifier: (classified?.result.classifier ?? null) as unknown as ArtifactRef | null,
    evaluation: Object.keys(numbers).length > 0 ? numbers : null,
  };
}

/**
 * TensorFlow runs in a process of its own, as everywhere.
 *
 * @throws ContrailError TrainerCrashed when it ends without an answer, or with one that cannot be read
 */
async function runExporter(request: ExportRequest): Promise<{ files: readonly string[]; difference: number }> {
  const [runner, program] = ['../../native/run.mjs', '../../worker/exporter.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  const { stdout } = await promisify(execFile)(process.execPath, [runner, program, JSON.stringify(request)], {
    env: { ...childEnvironment(process.env, 'compute'), ...trainerEnvironment() },
  }).catch((error: ExecFileException & { readonly stderr?: string }) => {
    const lastLine = (error.stderr ?? '').trim().split('\n').at(-1)?.slice(0, 500) ?? '';
    const how = error.signal ? `was ended by ${error.signal}` : `ended with exit code ${error.code}`;
    throw new ContrailError('TrainerCrashed', `The process that exports ${how}. ${lastLine}`.trim(), { cause: error });
  });
  const line = stdout.trim().split('\n').at(-1) ?? '';
  const answer = exportAnswerSchema.safeParse(parseJson(line));
  if (!answer.success)
    throw new ContrailError('TrainerCrashed', `The process that exports gave no answer: ${line.slice(0, 200)}`);
  if ('code' in answer.data) throw new ContrailError(answer.data.code, answer.data.message);
  return answer.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
