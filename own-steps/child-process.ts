import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import { type ChildTask, childAnswerSchema, childTaskSchema } from './child-messages.ts';
import { findPackage, installation } from './import-graph.ts';
import type { Workspace } from './workspace.ts';

/** What a step's files need that npm installed, by name; it is stored beside them. */
export const packagesFile = 'contrail-packages.json';
const packagesSchema = z.record(z.string(), z.string());

/** How Node runs a step's process: tsx is for its own files. */
export const childCommand = (task: string, memoryMiB?: number): readonly string[] => [
  process.execPath,
  ...(memoryMiB === undefined ? [] : [`--max-old-space-size=${memoryMiB}`]),
  '--import',
  import.meta.resolve('tsx'),
  ...['../native/run.mjs', './child.ts'].map((path) => fileURLToPath(new URL(path, import.meta.url))),
  task,
];

/**
 * Lets files in a folder import packages that are installed elsewhere, and Contrail itself.
 *
 * @param from where they are looked for: the folder of the pipeline, or where the worker was started
 * @throws ContrailError InvalidInput that names a package that is not there, or there in another version
 */
export async function linkPackages(
  folder: string,
  packages: Readonly<Record<string, string>>,
  from: string,
): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(modules, { recursive: true });
  await symlink(installation, join(modules, 'contrail'));
  for (const [name, version] of Object.entries(packages)) {
    const found = findPackage(name, from);
    if (found?.version !== version)
      throw new ContrailError(
        'InvalidInput',
        `The step imports ${name} ${version}, and ${found ? `${found.version} is` : 'it is not'} installed here. Install it where the worker is started (${from}).`,
      );
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(found.folder, join(modules, name));
  }
  // What has no ending of its own to say it is a module.
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n', { flag: 'wx' }).catch(() => {});
}

export const readPackages = async (folder: string): Promise<Readonly<Record<string, string>>> =>
  packagesSchema.parse(JSON.parse(await readFile(join(folder, packagesFile), 'utf8')));

/** Writes down what the process is to do. @returns the file that says it */
export async function writeTask(space: Workspace, task: ChildTask): Promise<string> {
  const file = join(space.work, '..', 'task.json');
  await writeFile(file, JSON.stringify(childTaskSchema.parse(task)), { mode: 0o600 });
  return file;
}

/** What the process answered; null where it did not. @throws ContrailError InvalidResult */
export async function readAnswer(text: string | null): Promise<z.infer<typeof childAnswerSchema> | null> {
  if (text === null) return null;
  if (text.length > limits.programResultBytes)
    throw new ContrailError(
      'InvalidResult',
      `The result has ${formatBytes(text.length)}; at most ${formatBytes(limits.programResultBytes)} are allowed. Write more to an output.`,
    );
  try {
    return childAnswerSchema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new ContrailError('InvalidResult', `The step's process gave an answer that cannot be read: ${why}`, {
      cause,
    });
  }
}
