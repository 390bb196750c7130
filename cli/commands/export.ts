import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { z } from 'zod';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type ExportRequest, exportAnswerSchema } from '../../contracts/export.ts';
import { openHome } from '../../home/home.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { trainerEnvironment } from '../../native/paths.ts';
import { findModel } from '../../serving/find-model.ts';
import { openStore } from '../../store/index.ts';
import { encoderHistory } from '../encoder-history.ts';
import { namedModel } from '../named-model.ts';
import { print, printJson, say } from '../output.ts';

export interface ExportOptions {
  readonly to: string;
  readonly step?: string;
  readonly model?: string;
  readonly json: boolean;
}

/** `contrail export` */
export async function exportCommand(
  run: string | undefined,
  { to, step, model, json }: ExportOptions,
): Promise<number> {
  const named = namedModel({ run, model, step }, 'Name what to export');
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
  const store = openStore(storeUrl);
  const { run: maker, encoder, classifier, index, metrics } = await findModel(store, named);
  const history = await encoderHistory(store, maker, encoder);
  // Of an encoder alone, what a promotion kept is what its retrieval measured.
  const evaluation = classifier === null && history?.searches.length ? null : metrics;
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    const answer = await runExporter({
      ...{ storeUrl, folder, run: maker, encoder, classifier, evaluation, history },
      ...(index ? { index } : {}),
    });
    if (existsSync(target)) await rmdir(target);
    await chmod(folder, 0o755);
    await rename(folder, target);
    if (answer.indexLacks !== undefined) say(`${answer.indexLacks} The model is exported without its index.`);
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

/**
 * TensorFlow runs in a process of its own, as everywhere.
 *
 * @throws ContrailError SetupFailed; TrainerCrashed when it ends without an answer, or with one that cannot be read
 */
async function runExporter(
  request: ExportRequest,
): Promise<Exclude<z.infer<typeof exportAnswerSchema>, { readonly code: string }>> {
  await requireTensorFlow();
  const [runner, program] = ['../../native/run.mjs', '../../worker/exporter.ts'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  ) as [string, string];
  const { stdout } = await promisify(execFile)(process.execPath, [runner, program, JSON.stringify(request)], {
    env: { ...childEnvironment(process.env, 'store'), ...trainerEnvironment() },
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
