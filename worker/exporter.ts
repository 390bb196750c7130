import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../contracts/artifacts.ts';
import type { EncoderAbout } from '../contracts/encoder.ts';
import { isContrailError } from '../contracts/errors.ts';
import { exportRequestSchema } from '../contracts/export.ts';
import { failureOf } from '../contracts/system-errors.ts';
import { formOfEncoder } from '../datasets/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { checkExported, exportModel, modelCard } from '../training/index.ts';
import { exportIndex } from '../vectors/index.ts';

/** The process behind `contrail export`: one request as its argument, one JSON line as its answer. */
try {
  const request = exportRequestSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const store = openStore(request.storeUrl);
  const model = await exportModel(store, request);
  const index = await indexIn(join(request.folder, 'index'), store, request.index);
  const hasIndex = index.lacks === null && request.index !== undefined;
  const { index: _, ...withoutIndex } = request;
  const savedModel = join(request.folder, 'saved_model');
  await mkdir(savedModel);
  const files: Record<string, Uint8Array | string> = {
    'saved_model/saved_model.pb': model.savedModel,
    'model.onnx': model.onnx,
    'encoder.safetensors': model.encoderWeights,
    ...(model.classifierWeights ? { 'classifier.safetensors': model.classifierWeights } : {}),
    'model.json': `${JSON.stringify({ encoder: model.encoder, classifier: model.classifier, preprocessing: preprocessingOf(model.encoder) }, null, 2)}\n`,
    'README.md': modelCard(model, hasIndex ? request : withoutIndex),
    ...(hasIndex ? { 'example.py': await readFile(new URL('example.py', import.meta.url)) } : {}),
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(request.folder, name), content, { flush: true });
  const difference = await checkExported(store, request.encoder, savedModel);
  answer({
    files: [...Object.keys(files), ...index.names.map((name) => `index/${name}`)],
    difference,
    ...(index.lacks === null ? {} : { indexLacks: index.lacks }),
  });
} catch (error) {
  answer(failureOf(error));
}

/** Writes the index into a folder; where files of it are gone or damaged the model is still worth an export, and what is lacking is said. */
async function indexIn(
  folder: string,
  store: Store,
  ref: ArtifactRef | undefined,
): Promise<{ readonly names: readonly string[]; readonly lacks: string | null }> {
  if (!ref) return { names: [], lacks: null };
  try {
    return { names: await exportIndex(store, ref, folder), lacks: null };
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'CorruptArtifact') throw error;
    await rm(folder, { recursive: true, force: true });
    return { names: [], lacks: error.message };
  }
}

/** How any photo becomes what the model takes, by words that a program in another language can follow. */
function preprocessingOf(encoder: EncoderAbout) {
  const { size, side, fit, background, channels, encoding } = formOfEncoder(encoder);
  const stored = encoding ? { format: encoding.format, quality: encoding.quality } : null;
  return { size, side, fit, ...background, channels, encoding: stored };
}

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
