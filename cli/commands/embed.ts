import { embeddedText } from '../../contracts/embedded-text.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { type EmbedImagesResult, embedImagesResult } from '../../contracts/kinds/embed-images.ts';
import { useModelResult } from '../../contracts/kinds/use-model.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { openHome } from '../../home/home.ts';
import { loadStepResults, openStore, readAbout, type Store } from '../../store/index.ts';
import { type EmbeddingOptions, runEmbedding } from '../embed/run-embedding.ts';
import { type Target, targetOf, writeTarget } from '../embed/target.ts';
import { interruptedCode } from '../interrupt.ts';
import { findNamedModel, namedModel } from '../named-model.ts';
import { print, printJson, say } from '../output.ts';
import { showRowProgress } from '../row-progress.ts';

export interface EmbedOptions extends EmbeddingOptions {
  readonly to: string;
  readonly model?: string;
  readonly step?: string;
}

/** `contrail embed`: a run of two steps, followed to its end; its vectors are then written as a file. */
export async function embedCommand(words: readonly string[], options: EmbedOptions): Promise<number> {
  const { model, step, json } = options;
  const images = words.at(-1) ?? '';
  const run = words.length > 1 ? words[0] : undefined;
  if (words.length > 2)
    throw new ContrailError(
      'Usage',
      `Embed one folder or table at a time; there is also ${words.slice(2).join(', ')}.`,
    );
  const named = namedModel({ run, model, step }, 'Name what to embed with, and then the folder or table');
  const target = targetOf(options.to);
  const store = openStore(openHome().storeUrl);
  // A mistake in the name is said before a run is started.
  const { encoder } = await findNamedModel(store, named);
  const embedding = await runEmbedding(store, { named, encoder }, images, options);
  if (embedding === null) {
    say('The same command follows it again and writes the file.');
    return interruptedCode;
  }
  await write(store, embedding, target, json);
  return 0;
}

async function write(store: Store, run: string, target: Target, json: boolean): Promise<void> {
  const results = await loadStepResults(store, run);
  const result = embedImagesResult.parse(results.embed?.result);
  const { name, version } = useModelResult.parse(results.model?.result);
  const { vectors } = result;
  const { shards, of, encoder, dimension, count, rejected } = await readAbout(store, vectors, vectorsAboutSchema);
  const { tell, end } = showRowProgress();
  const files = await writeTarget(target, {
    ...{ store, ref: vectors, shards },
    about: { model: name, version, encoder, vectors, of, count, dimension, rejected: rejected.count },
    onProgress: (done) => tell({ phase: 'Writing embeddings', done, total: count }),
  }).finally(end);
  if (json) printJson({ run, model: name, version, files, ...result });
  else {
    for (const file of files) print(file);
    say(summary(result, version === null ? name : `${name}, version ${version}`));
  }
}

function summary(result: EmbedImagesResult, model: string): string {
  const why = result.reasons.map(({ count, reason, first }) => `\n  ${count} ${reason}: ${first.join(', ')}`).join('');
  return `${embeddedText(result)}; ${result.dimension} numbers each, by ${model}.${why === '' ? '' : `\nRejected:${why}`}`;
}
