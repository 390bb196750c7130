import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../contracts/child-environment.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { createLineReader } from '../../contracts/lines.ts';
import {
  type IndexJob,
  type IndexJobResult,
  type IndexRequest,
  indexAnswerSchema,
} from '../../contracts/vector-index.ts';
import type { Store } from '../../store/index.ts';
import type { BuildProgress } from '../build/progress.ts';
import { makeGraphFolder, removeGraphFolder } from '../graph/folder.ts';

const [runner, program] = ['../../native/run.mjs', './program.ts'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
) as [string, string];

/** An answer is a line with a few dozen names at most; what is longer is none. */
const lineCharacters = 1_000_000;

/**
 * Builds or changes an index in a process of its own: it takes minutes and gigabytes where there are millions of vectors, and native
 * code that dies must not take a worker along.
 *
 * @param options.signal ends the process; nothing half-made is left, in the store or the temporary folder
 * @throws ContrailError as `buildIndex`, `addToIndex` and `removeFromIndex` do; TrainerCrashed where the process ends without an answer
 */
export async function runIndexJob(
  store: Pick<Store, 'url'>,
  job: IndexJob,
  {
    threads,
    onProgress = () => {},
    signal,
  }: {
    readonly threads?: number | undefined;
    readonly onProgress?: (progress: BuildProgress) => void;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<IndexJobResult> {
  signal?.throwIfAborted();
  const folder = await makeGraphFolder();
  try {
    const request = { storeUrl: store.url, folder, job, ...(threads === undefined ? {} : { threads }) };
    return await inProcess(request, onProgress, signal);
  } finally {
    await removeGraphFolder(folder);
  }
}

/** Has a process do what is requested. It has ended when this returns or throws. */
async function inProcess(
  request: IndexRequest,
  onProgress: (progress: BuildProgress) => void,
  signal: AbortSignal | undefined,
): Promise<IndexJobResult> {
  signal?.throwIfAborted();
  const child = spawn(process.execPath, [runner, program], {
    env: childEnvironment(process.env, 'store'),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  signal?.addEventListener('abort', end, { once: true });
  let answered: IndexJobResult | ContrailError | null = null;
  let lastWords = '';
  const reader = createLineReader(lineCharacters, (line) => {
    const answer = indexAnswerSchema.safeParse(parsed(line));
    if (!answer.success) lastWords = line;
    else if ('phase' in answer.data) onProgress(answer.data);
    else if ('code' in answer.data) answered = new ContrailError(answer.data.code, answer.data.message);
    else answered = answer.data;
  });
  child.stdout.setEncoding('utf8').on('data', reader.write);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    lastWords = text.trim().split('\n').at(-1)?.slice(0, 500) || lastWords;
  });
  // A process that has ended takes no request; how it ended is said below.
  child.stdin.on('error', () => {});
  child.stdin.write(`${JSON.stringify(request)}\n`);
  try {
    const how = await new Promise<string>((resolve) => {
      child.once('error', ({ message }) => resolve(`could not be started: ${message}`));
      child.once('close', (code, name) => resolve(name ? `was ended by ${name}` : `ended with exit code ${code}`));
    });
    reader.end();
    signal?.throwIfAborted();
    if (answered === null)
      throw new ContrailError('TrainerCrashed', `The process that builds the index ${how}. ${lastWords}`.trim());
    return resultOf(answered);
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/** Set in a callback, which the compiler does not see. */
function resultOf(answered: IndexJobResult | ContrailError): IndexJobResult {
  if (answered instanceof ContrailError) throw answered;
  return answered;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
