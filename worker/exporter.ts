import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EncoderAbout } from '../contracts/encoder.ts';
import { exportRequestSchema } from '../contracts/export.ts';
import { failureOf } from '../contracts/system-errors.ts';
import { formOfEncoder } from '../datasets/index.ts';
import { openStore } from '../store/index.ts';
import { checkExported, exportModel, modelCard } from '../training/index.ts';
import { exportIndex } from '../vectors/index.ts';

/** The process behind `contrail export`: one request as its argument, one JSON line as its answer. */
try {
  const request = exportRequestSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const store = openStore(request.storeUrl);
  const model = await exportModel(store, request);
  const savedModel = join(request.folder, 'saved_model');
  await mkdir(savedModel);
  const files: Record<string, Uint8Array | string> = {
    'saved_model/saved_model.pb': model.savedModel,
    'model.onnx': model.onnx,
    'encoder.safetensors': model.encoderWeights,
    ...(model.classifierWeights ? { 'classifier.safetensors': model.classifierWeights } : {}),
    'model.json': `${JSON.stringify({ encoder: model.encoder, classifier: model.classifier, preprocessing: preprocessingOf(model.encoder) }, null, 2)}\n`,
    'README.md': modelCard(model, request),
    ...(request.index ? { 'example.py': await readFile(new URL('example.py', import.meta.url)) } : {}),
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(request.folder, name), content, { flush: true });
  const inIndex = request.index ? await exportIndex(store, request.index, join(request.folder, 'index')) : [];
  const difference = await checkExported(store, request.encoder, savedModel);
  answer({ files: [...Object.keys(files), ...inIndex.map((name) => `index/${name}`)], difference });
} catch (error) {
  answer(failureOf(error));
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
