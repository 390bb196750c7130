import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { defineStep, z } from 'contrail/define';
import { filesWithDigests } from './digests.ts';

/** Leaves out images whose bytes are those of another. */
export default defineStep({
  description: 'Keep one of each image',
  with: z.object({ keep: z.enum(['first', 'last']).default('first').describe('by name, of those that are equal') }),
  inputs: { images: 'files' },
  outputs: { unique: 'files' },
  result: z.object({ kept: z.int(), copies: z.int() }),
  run: async ({ parameters, inputs, outputs, signal, log, progress }) => {
    const files = await filesWithDigests(inputs.images);
    const chosen = new Map<string, string>();
    for (const { path, digest } of files)
      if (parameters.keep === 'last' || !chosen.has(digest)) chosen.set(digest, path);
    const kept = new Set(chosen.values());
    for (const [index, { path }] of files.entries()) {
      signal.throwIfAborted();
      progress(index / files.length, path);
      if (!kept.has(path)) {
        log(`left out ${path}: it is there already`);
        continue;
      }
      await mkdir(dirname(join(outputs.unique, path)), { recursive: true });
      await copyFile(join(inputs.images, path), join(outputs.unique, path));
    }
    return { kept: kept.size, copies: files.length - kept.size };
  },
});
