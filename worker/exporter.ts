import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportRequestSchema } from '../contracts/export.ts';
import { explained } from '../contracts/system-errors.ts';
import { openStore } from '../store/index.ts';
import { checkExported, exportModel, modelCard } from '../training/index.ts';

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
    'model.json': `${JSON.stringify({ encoder: model.encoder, classifier: model.classifier }, null, 2)}\n`,
    'README.md': modelCard(model, request),
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(request.folder, name), content, { flush: true });
  const difference = await checkExported(store, request.encoder, savedModel);
  answer({ files: Object.keys(files), difference });
} catch (error) {
  const { code, message } = explained(error) ?? {
    code: 'TrainerCrashed',
    message: error instanceof Error ? error.message : String(error),
  };
  answer({ code, message });
}

function answer(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
