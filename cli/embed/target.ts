import { lstatSync, type Stats } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import { type Embeddings, writeFolder, writeNpy, writeParquet } from '../../vectors/output/index.ts';

/** What is to be made. */
export interface Target {
  readonly as: 'parquet' | 'npy' | 'folder';
  /** Absolute; the first is the one that was named. */
  readonly paths: readonly [string, ...string[]];
}

/**
 * What `--to` names; nothing of it may be there yet.
 *
 * @throws ContrailError Usage
 */
export function targetOf(to: string): Target {
  if (to === '') throw new ContrailError('Usage', 'The file of --to has no name.');
  const path = resolve(to);
  const ending = extname(path).toLowerCase();
  const target: Target =
    ending === '.parquet'
      ? { as: 'parquet', paths: [path] }
      : ending === '.npy'
        ? { as: 'npy', paths: [path, `${path.slice(0, -4)}.csv`, `${path.slice(0, -4)}.json`] }
        : { as: 'folder', paths: [path] };
  if (target.as === 'folder' && ending !== '' && /^\.(csv|json|jsonl|npz|h5|pkl|pt|txt|arrow|feather)$/.test(ending))
    throw new ContrailError(
      'Usage',
      `Embeddings are not written as ${ending}. Name a .parquet, a .npy, or a folder without an ending.`,
    );
  for (const each of target.paths) {
    const there = statOf(each);
    if (there)
      throw new ContrailError(
        'Usage',
        `${each} ${there.isSymbolicLink() ? 'is a link' : 'is there already'}. Name ${target.as === 'folder' ? 'a folder' : 'a file'} that does not exist yet.`,
      );
  }
  return target;
}

const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** Writes embeddings: what is half written has no name that anybody looks for, and is removed where the writing fails. */
export async function writeTarget({ as, paths }: Target, embeddings: Embeddings): Promise<readonly string[]> {
  const [target] = paths;
  await mkdir(dirname(target), { recursive: true });
  const staging = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  try {
    if (as === 'folder') {
      const content = join(staging, 'content');
      await mkdir(content);
      const files = await writeFolder(content, embeddings);
      await rename(content, target);
      return files.map((name) => join(target, name));
    }
    const staged = paths.map((path) => join(staging, basename(path)));
    const files = await Promise.all(staged.map((path) => open(path, 'wx')));
    try {
      if (as === 'parquet') await writeParquet(files[0] as (typeof files)[number], embeddings);
      else {
        const [values, names, about] = files as [(typeof files)[0], (typeof files)[0], (typeof files)[0]];
        await writeNpy({ values, names }, embeddings);
        await about.writeFile(`${JSON.stringify(embeddings.about, null, 2)}\n`);
      }
      for (const file of files) await file.sync();
    } finally {
      for (const file of files) await file.close();
    }
    // The one that was named comes last: when it is there, so is what belongs to it.
    for (const [at, path] of [...paths.entries()].reverse()) await rename(staged[at] as string, path);
    return paths;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
