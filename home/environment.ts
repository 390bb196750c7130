import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { chosenDevice, root, tensorflowVersion } from '../native/index.ts';

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
  const { version } = packageAt('package.json');
  return {
    contrail: version,
    code: codeDigest(),
    node: process.versions.node,
    tensorflow: tensorflowVersion,
    tfjs: packageAt('node_modules/@tensorflow/tfjs-core/package.json').version,
    device: chosenDevice() ?? 'none',
  };
}

const packageAt = (path: string) =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, path), 'utf8')));

let digest: string | undefined;

/** SHA-256 over the names and contents of the source files, as they were when this process first asked: it runs what it has loaded. */
function codeDigest(): string {
  digest ??= digestOfCode();
  return digest;
}

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
