import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { failureOf } from '../../contracts/system-errors.ts';
import {
  type IndexJobResult,
  type IndexRequest,
  type indexAnswerSchema,
  indexRequestSchema,
} from '../../contracts/vector-index.ts';
import { openStore } from '../../store/index.ts';
import { buildIndex } from '../build/build-index.ts';
import { addToIndex, removeFromIndex } from '../build/change-index.ts';
import type { BuildOptions } from '../build/progress.ts';
import { noneTold } from '../build/told.ts';

/** The process that builds or changes an index: one request as a line of its input, answers as lines of its output. */
type Answer = z.infer<typeof indexAnswerSchema>;

/** Waits until the line is out: a process that ends too soon takes it along. */
const answer = (message: Answer) =>
  new Promise<void>((resolve) => process.stdout.write(`${JSON.stringify(message)}\n`, () => resolve()));

const lines = createInterface({ input: process.stdin });
// Its input ends with whoever started it, and nobody else would want what it makes.
lines.on('close', () => process.exit());
lines.once('line', async (line) => {
  try {
    await answer(await work(indexRequestSchema.parse(JSON.parse(line))));
  } catch (error) {
    await answer(failureOf(error));
  }
  process.exit();
});

async function work({ storeUrl, threads, folder, job }: IndexRequest): Promise<IndexJobResult> {
  const store = openStore(storeUrl);
  const options: BuildOptions = {
    ...(threads === undefined ? {} : { threads }),
    folder,
    onProgress: (progress) => void answer(progress),
  };
  if (job.do !== 'build') {
    const { about: _, ...changed } = await (job.do === 'add'
      ? addToIndex(store, job.index, job.vectors, { ...options, prefix: job.prefix })
      : removeFromIndex(store, job.index, job.which, options));
    return changed;
  }
  const { index, about, unusable } = await buildIndex(store, job.vectors, job.settings, {
    ...options,
    prefix: job.prefix,
  });
  return {
    index,
    added: about.count,
    replaced: 0,
    unchanged: 0,
    removed: 0,
    otherFiles: noneTold,
    sameName: noneTold,
    unusable,
  };
}
