import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import sharp from 'sharp';
import { ContrailError } from '../contracts/errors.ts';
import { digestBytes, sha256 } from './row-digests.ts';
import type { RawDataset, RawSplit } from './source.ts';

const imageName = /\.(png|jpe?g|webp)$/i;
const smallestSide = 8;
const mostPixels = 100_000_000;

/**
 * A folder of images, one subfolder a class: `train/<class>/*.png|jpg|webp`, with `validation/` and `test/` beside `train/`
 * where there are any; or the classes directly in the folder.
 *
 * Hidden files are passed over. A file that cannot be used is rejected when it is read, not here.
 *
 * @throws ContrailError InvalidDataset when the folder has no classes, an empty class, or a test class that train lacks
 */
export async function imageFolder(path: string): Promise<RawDataset> {
  const root = await realpath(path).catch((cause) => {
    throw new ContrailError(
      'InvalidDataset',
      `${path} does not exist. It should hold train/<class>/ with the images of each class.`,
      { cause },
    );
  });
  const hasTrain = (await stat(join(root, 'train')).catch(() => null))?.isDirectory() ?? false;
  const trainFolder = hasTrain ? join(root, 'train') : root;
  const classes = await foldersIn(trainFolder);
  if (classes.length < 2)
    throw new ContrailError(
      'InvalidDataset',
      `${trainFolder} has ${classes.length} class folder${classes.length === 1 ? '' : 's'}; at least 2 are needed, one for each class.`,
    );
  const train = await readSplit(root, trainFolder, classes, true);
  const others = await Promise.all(
    (['validation', 'test'] as const).map(
      async (name) => [name, hasTrain ? await optionalSplit(root, join(root, name), classes) : undefined] as const,
    ),
  );
  return {
    name: root.split(sep).at(-1) ?? 'image-folder',
    classes,
    train,
    ...Object.fromEntries(others.filter(([, split]) => split !== undefined)),
  };
}

async function optionalSplit(root: string, folder: string, classes: readonly string[]): Promise<RawSplit | undefined> {
  if (!(await stat(folder).catch(() => null))?.isDirectory()) return undefined;
  const unknown = (await foldersIn(folder)).filter((name) => !classes.includes(name));
  if (unknown.length > 0)
    throw new ContrailError(
      'InvalidDataset',
      `${folder} has classes that train/ lacks: ${unknown.join(', ')}. Classes are ${classes.join(', ')}.`,
    );
  return readSplit(root, folder, classes, false);
}

async function readSplit(
  root: string,
  folder: string,
  classes: readonly string[],
  needsEveryClass: boolean,
): Promise<RawSplit> {
  const files: { path: string; label: number }[] = [];
  for (const [label, name] of classes.entries()) {
    const found = (await readdir(join(folder, name)).catch((): string[] => []))
      .filter((file) => !file.startsWith('.') && imageName.test(file))
      .sort(byBytes);
    if (found.length === 0 && needsEveryClass)
      throw new ContrailError('InvalidDataset', `${join(folder, name)} has no image (.png, .jpg, .jpeg or .webp).`);
    for (const file of found) files.push({ path: join(folder, name, file), label });
  }
  const digests = new Uint8Array(files.length * digestBytes);
  for (const [index, { path }] of files.entries())
    digests.set(sha256(await readFile(path).catch(() => new Uint8Array())), index * digestBytes);
  return {
    count: files.length,
    digests,
    labels: Int32Array.from(files, ({ label }) => label),
    nameOf: (index) => relative(root, files[index]?.path ?? ''),
    read: async (index) => {
      const { path, label } = files[index] ?? { path: '', label: 0 };
      if (!(await realpath(path)).startsWith(root + sep)) return { rejected: 'is a link out of the folder' };
      return decode(path, label);
    },
  };
}

async function decode(path: string, label: number) {
  try {
    const image = sharp(path, { failOn: 'error', limitInputPixels: mostPixels });
    const { width = 0, height = 0, space } = await image.metadata();
    if (Math.min(width, height) < smallestSide)
      return { rejected: `is ${width}x${height}; at least ${smallestSide}x${smallestSide} is needed` };
    const grey = space === 'b-w' || space === 'grey16';
    const { data, info } = await image
      .rotate()
      .flatten({ background: '#ffffff' })
      .toColourspace(grey ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const channels = info.channels === 1 ? (1 as const) : (3 as const);
    return { pixels: new Uint8Array(data), height: info.height, width: info.width, channels, label };
  } catch (error) {
    return {
      rejected: `cannot be decoded: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    };
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort(byBytes);
}

/** The same order on every machine, whatever its locale. */
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
