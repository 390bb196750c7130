import { statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import { explained, hasCode } from '../contracts/system-errors.ts';

/** Where everything of one installation's runs lives. */
export interface Home {
  readonly folder: string;
  readonly storeUrl: string;
  readonly cacheFolder: string;
  readonly logFolder: string;
  readonly databaseFile: string;
  /** What `contrail dev` writes down about the server that it runs. */
  readonly devFile: string;
  /** Held by the `contrail dev` or `quickstart` that looks after server and worker. */
  readonly devLock: string;
  /** Held by the server that has the database open. */
  readonly databaseLock: string;
}

const environmentSchema = z.object({
  CONTRAIL_HOME: z.string().min(1, 'CONTRAIL_HOME is empty; unset it or name a folder').optional(),
  CONTRAIL_STORE: z
    .string()
    .min(1, 'CONTRAIL_STORE is empty; unset it or name a folder, a file: URL or an s3: URL')
    .optional(),
});

/**
 * The folder that CONTRAIL_HOME names, `.contrail` in the current folder otherwise. The store is in it, or where
 * CONTRAIL_STORE says: a folder or `file:` URL that several machines see, or a bucket. Copies of files of a bucket lie in the home too,
 * unless CONTRAIL_STORE_CACHE names another folder.
 *
 * @throws ContrailError Usage when one of them is set to nothing
 */
export function openHome(environment: NodeJS.ProcessEnv = process.env): Home {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) throw new ContrailError('Usage', parsed.error.issues.map(({ message }) => message).join('\n'));
  const folder = resolve(parsed.data.CONTRAIL_HOME ?? '.contrail');
  const cacheFolder = join(folder, 'cache');
  const named = storeUrlOf(parsed.data.CONTRAIL_STORE, join(folder, 'store'));
  const storeUrl = isS3(named) ? withCopiesIn(named, join(cacheFolder, 'objects'), environment) : named;
  requireFolder('CONTRAIL_HOME', folder);
  const storeFolder = folderOfUrl(storeUrl);
  if (storeFolder !== null) requireFolder('CONTRAIL_STORE', storeFolder);
  return {
    folder,
    storeUrl,
    cacheFolder,
    logFolder: join(folder, 'logs'),
    databaseFile: join(folder, 'temporal', 'contrail.db'),
    devFile: join(folder, 'dev.json'),
    devLock: join(folder, 'dev.lock'),
    databaseLock: join(folder, 'temporal', 'contrail.lock'),
  };
}

/** Null where it is for the store to judge. */
function folderOfUrl(url: string): string | null {
  try {
    return fileURLToPath(url);
  } catch {
    return null;
  }
}

/** A file in its place would look like a home without anything in it. @throws ContrailError Usage */
function requireFolder(variable: string, path: string): void {
  let cause: unknown;
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== false) return;
  } catch (error) {
    cause = error;
  }
  const why = cause === undefined ? `${path} is a file` : (explained(cause)?.message ?? String(cause));
  throw new ContrailError('Usage', `${variable} must name a folder, or one that can be made: ${why}`, { cause });
}

/** Makes the folder of a home, for its owner alone; one that is there keeps its mode. */
export async function makeHome({ folder }: Home): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
}

/**
 * From here on this process, and those that it starts, make files for their owner alone: images, weights and histories. A folder
 * that CONTRAIL_STORE names is shared as the umask says.
 */
export function keepPrivate({ CONTRAIL_STORE }: NodeJS.ProcessEnv = process.env): void {
  if (CONTRAIL_STORE === undefined || isS3(CONTRAIL_STORE)) process.umask(0o077);
}

const isS3 = (store: string): boolean => /^s3:/i.test(store);

/** What is wrong with the URL is for the store to say. */
function withCopiesIn(text: string, folder: string, { CONTRAIL_STORE_CACHE }: NodeJS.ProcessEnv): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  if (!url.searchParams.has('cache')) url.searchParams.set('cache', CONTRAIL_STORE_CACHE ?? folder);
  return url.href;
}

/** A URL is left as it is, for the store to judge; a folder is one wherever this process was started. */
const storeUrlOf = (given: string | undefined, otherwise: string): string =>
  given !== undefined && /^[A-Za-z][A-Za-z0-9+.-]+:/.test(given)
    ? given
    : pathToFileURL(resolve(given ?? otherwise)).href;
