import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { ContrailError } from '../contracts/errors.ts';
import { downloadDebianPackage, unpackDebianPackage } from './debian-package.ts';
import { fetchFiles, type PinnedFiles, problemsIn } from './fetched-files.ts';
import type { PreparationOptions } from './source.ts';

/** The files, and the SHA-256 of what is in the gzip wrapper, which differs from mirror to mirror. */
export const fashionMnistFiles = {
  trainImages: {
    name: 'train-images-idx3-ubyte.gz',
    content: 'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
  },
  trainLabels: {
    name: 'train-labels-idx1-ubyte.gz',
    content: 'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
  },
  testImages: {
    name: 't10k-images-idx3-ubyte.gz',
    content: '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
  },
  testLabels: {
    name: 't10k-labels-idx1-ubyte.gz',
    content: '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
  },
} as const;

const pinned: PinnedFiles = { files: Object.values(fashionMnistFiles), contentOf: (bytes) => gunzipSync(bytes) };

const debianPackage = 'dataset-fashion-mnist';
const debianFolder = '/usr/share/datasets/fashion-mnist';
/** Where the authors publish the files. */
const publishedAt = 'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com';

type Options = Pick<PreparationOptions, 'cacheFolder' | 'log' | 'signal'>;

/** The folder that holds the verified files already, or null. */
export async function installedFashionMnist(cacheFolder: string): Promise<string | null> {
  for (const folder of [join(cacheFolder, 'fashion-mnist'), debianFolder])
    if ((await problemsIn(folder, pinned)).length === 0) return folder;
  return null;
}

/**
 * Finds Fashion-MNIST: in the cache, where Debian's package installs it, taken out of that package without installing it,
 * or downloaded from where its authors publish it. Every file is checked by digest.
 *
 * @throws ContrailError InvalidDataset that lists what was tried
 */
export async function findFashionMnist(options: Options): Promise<string> {
  const installed = await installedFashionMnist(options.cacheFolder);
  if (installed) return installed;
  const target = join(options.cacheFolder, 'fashion-mnist');
  const tried: string[] = [`looked in ${target} and ${debianFolder}`];
  for (const [what, fetchInto] of [
    [`Debian's package ${debianPackage}`, fromDebianPackage],
    [publishedAt, fromPublisher],
  ] as const) {
    options.log?.(`Fetching Fashion-MNIST from ${what}`);
    try {
      await fetchFiles(target, pinned, (temporary) => fetchInto(temporary, options));
      return target;
    } catch (error) {
      options.signal?.throwIfAborted();
      tried.push(`${what}: ${firstLine(error)}`);
    }
  }
  throw new ContrailError(
    'InvalidDataset',
    `Fashion-MNIST could not be found or fetched (${tried.join('; ')}). Install Debian's package ${debianPackage}, or put its four .gz files into a folder and name it with \`path\`.`,
  );
}

async function fromDebianPackage(temporary: string, { signal }: Options): Promise<string> {
  const archive = await downloadDebianPackage(debianPackage, temporary, signal);
  const content = join(temporary, 'content');
  await unpackDebianPackage(archive, content, signal);
  return join(content, debianFolder);
}

async function fromPublisher(temporary: string, { signal }: Options): Promise<string> {
  const folder = join(temporary, 'content');
  await mkdir(folder);
  for (const { name } of Object.values(fashionMnistFiles)) {
    const response = await fetch(`${publishedAt}/${name}`, signal ? { signal } : {});
    if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
    await writeFile(join(folder, name), new Uint8Array(await response.arrayBuffer()));
  }
  return folder;
}

function firstLine(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const text = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return text.split('\n').find((line) => line.trim() !== '') ?? text;
}
