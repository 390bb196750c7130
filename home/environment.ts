import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import {
  chosenDevice,
  compilationFile,
  isPackage,
  packageManifest,
  root,
  tensorflowVersion,
  version,
} from '../native/index.ts';

/** The folders whose code decides what a step computes. */
const codeFolders = [
  'activities',
  'contracts',
  'datasets',
  'evaluation',
  'own-steps',
  'pipelines/language',
  'store',
  'training',
  'weights',
  'workflows',
];

/** What a result depends on beside the plan and the data, as this installation has it. */
export function describeEnvironment(): Record<string, string> {
  return {
    contrail: version(),
    code: codeDigest(),
    node: process.versions.node,
    tensorflow: tensorflowVersion,
    tfjs: tfjsVersion(),
    device: chosenDevice() ?? 'none',
  };
}

const tfjsVersion = () =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(packageManifest('@tensorflow/tfjs-core'), 'utf8')))
    .version;

let digest: string | undefined;

/**
 * SHA-256 over the names and contents of the source files, as they were when this process first asked: it runs what it has loaded. A
 * package knows that of what it was compiled from.
 */
export function codeDigest(): string {
  digest ??= isPackage ? packagedSchema.parse(JSON.parse(readFileSync(compilationFile, 'utf8'))).code : digestOfCode();
  return digest;
}

const packagedSchema = z.object({ code: z.string() });

function digestOfCode(): string {
  const hash = createHash('sha256');
  for (const folder of codeFolders)
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort())
      if (/\.(ts|mjs)$/.test(name))
        hash
          .update(`${folder}/${name}\0`)
          .update(readFileSync(join(root, folder, name)))
          .update('\0');
  return hash.digest('hex');
}
