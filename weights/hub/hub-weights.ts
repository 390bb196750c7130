import { existsSync } from 'node:fs';
import { rm, stat, truncate } from 'node:fs/promises';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import {
  describeWeights,
  type HubFile,
  type HubWeights,
  hubFileOf,
  type InitialWeights,
  isFromHub,
} from '../../contracts/initial-weights.ts';
import { hasCode } from '../../contracts/system-errors.ts';
import { digestOfJson } from '../../store/index.ts';
import { type DownloadLimits, digestOfFile, download, downloadLimits } from './download.ts';
import { keptWeights, takePart } from './kept.ts';
import { findInLibraryCache } from './library-cache.ts';
import { NotFetched } from './request.ts';
import type { HubSettings } from './settings.ts';

/** What fetching from the hub needs of its process. */
export interface HubOptions {
  readonly settings: HubSettings;
  /** Weights are kept in a folder of it. */
  readonly cacheFolder: string;
  readonly signal: AbortSignal;
  /** Called again and again while a file is fetched. */
  readonly onProgress?: (done: number, total: number | null) => void;
  /** Is told what a person should know. */
  readonly log?: (line: string) => void;
  readonly limits?: DownloadLimits;
}

/** Files of the hub that are being fetched by this process: who wants one meanwhile waits for it. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * The file of weights of the hub: one that was fetched before, by Contrail or by the hub's own library, or fetched now.
 *
 * @throws ContrailError InvalidInput, FileMissing: to be mended by a person; ConnectionFailed: may pass, and what came is kept
 */
export async function hubWeights(weights: HubWeights, options: HubOptions): Promise<string> {
  const file = hubFileOf(weights);
  if (!file) throw new ContrailError('InvalidInput', `initialWeights: ${weights.from} is no hf:org/name@revision.`);
  const before = underWay.get(weights.sha256) ?? Promise.resolve();
  const mine = settled(before, options.signal).then(() => find(weights, file, options));
  underWay.set(weights.sha256, mine);
  try {
    return await mine;
  } finally {
    if (underWay.get(weights.sha256) === mine) underWay.delete(weights.sha256);
  }
}

/** Waits for work to end, however it does, unless the signal is aborted first. */
const settled = (work: Promise<unknown>, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    const end = () => {
      signal.removeEventListener('abort', abort);
      resolve();
    };
    signal.addEventListener('abort', abort, { once: true });
    work.then(end, end);
  });

async function find(weights: HubWeights, file: HubFile, options: HubOptions): Promise<string> {
  const { settings, cacheFolder, signal, log = () => {} } = options;
  signal.throwIfAborted();
  const { sha256 } = weights;
  const title = `initialWeights: ${describeWeights(weights)}`;
  const kept = keptWeights(cacheFolder, sha256);
  if (await isThere(kept)) {
    if ((await digestOfFile(kept)) === sha256) return kept;
    log(`${title}: the file that was kept is damaged, and is fetched again.`);
    await rm(kept, { force: true });
  }
  const known = await findInLibraryCache(settings.libraryCache, file);
  const knownDigest = known === null ? null : await digestOfFile(known);
  if (known !== null && knownDigest === sha256) return known;
  if (settings.offline)
    throw new ContrailError(
      knownDigest === null ? 'FileMissing' : 'InvalidInput',
      `${title} ${knownDigest === null ? `is neither among what was fetched before nor in ${settings.libraryCache}` : `has SHA-256 ${knownDigest} in ${settings.libraryCache}, not ${sha256}`}, and HF_HUB_OFFLINE forbids to fetch it. Unset that, or put the file there: \`hf download ${file.repository} ${file.file} --revision ${file.revision}\` with internet.`,
    );
  if (['main', 'master'].includes(file.revision))
    log(`${title}: ${file.revision} may become another file, which the digest then refuses. Name a commit or a tag.`);
  await fetchWhole(title, file, sha256, options);
  return kept;
}

const isThere = (path: string) =>
  stat(path).then(
    (found) => found.isFile(),
    (error: unknown) => {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    },
  );

async function fetchWhole(title: string, file: HubFile, sha256: string, options: HubOptions): Promise<void> {
  const { settings, signal, cacheFolder, limits = downloadLimits, onProgress = () => {} } = options;
  const requireDigest = (actual: string) => {
    if (actual !== sha256)
      throw new ContrailError(
        'InvalidInput',
        `${title} has SHA-256 ${actual}, not ${sha256}. Name the revision that is meant, or its digest, if you trust it.`,
      );
  };
  const part = await takePart(cacheFolder, sha256);
  try {
    const fetchInto = () =>
      download(file, part.path, { settings, signal, limits, onProgress, onDigest: requireDigest });
    if ((await digestOfFile(part.path)) !== sha256) {
      const { resumed } = await fetchInto();
      // The beginning may have been that of another file of the same name.
      if (resumed && (await digestOfFile(part.path)) !== sha256) {
        await truncate(part.path);
        await fetchInto();
      }
      requireDigest(await digestOfFile(part.path));
    }
    await part.complete(sha256);
  } catch (error) {
    // What is complete and wrong is no beginning of what is right, and after a lasting failure nobody goes on.
    const isLasting = isContrailError(error) || (error instanceof NotFetched && !error.passing);
    await (isLasting ? part.remove() : part.leave());
    throw explained(error, title, ' What came is kept.');
  }
}

/** @param kept what to say where another attempt may succeed */
function explained(error: unknown, title: string, kept = ''): unknown {
  if (!(error instanceof NotFetched)) return error;
  const { message, passing } = error;
  return passing
    ? new ContrailError('ConnectionFailed', `${title} ${message}.${kept}`, { cause: error })
    : new ContrailError('InvalidInput', `${title} ${message}`, { cause: error });
}

/** Ends a download of what is there already. */
class Known extends Error {
  constructor(readonly sha256: string) {
    super('the file is there');
  }
}

/**
 * A file of the hub whose digest is not known yet, for a person who looks at it. It is kept by its content, so that a training which
 * names it later finds it.
 *
 * @throws ContrailError as `hubWeights`
 */
export async function unpinnedHubFile(file: HubFile, title: string, options: HubOptions): Promise<string> {
  const { settings, signal, cacheFolder, limits = downloadLimits, onProgress = () => {}, log = () => {} } = options;
  const known = await findInLibraryCache(settings.libraryCache, file);
  if (known !== null) return known;
  if (settings.offline)
    throw new ContrailError(
      'FileMissing',
      `${title} is not in ${settings.libraryCache}, and HF_HUB_OFFLINE forbids to fetch it. Unset that, or name a file.`,
    );
  const onDigest = (sha256: string) => {
    if (existsSync(keptWeights(cacheFolder, sha256))) throw new Known(sha256);
  };
  const part = await takePart(cacheFolder, digestOfJson({ ...file }));
  try {
    // Without a digest nothing says that a beginning is that of this file.
    await truncate(part.path);
    await download(file, part.path, { settings, signal, limits, onProgress, onDigest });
    const sha256 = await digestOfFile(part.path);
    await part.complete(sha256);
    return keptWeights(cacheFolder, sha256);
  } catch (error) {
    await part.remove();
    if (!(error instanceof Known)) throw explained(error, title);
    const kept = keptWeights(cacheFolder, error.sha256);
    if ((await digestOfFile(kept)) === error.sha256) return kept;
    log(`${title}: the file that was kept is damaged, and is fetched again.`);
    await rm(kept, { force: true });
    return unpinnedHubFile(file, title, options);
  }
}

/**
 * Does work in a trainer that may begin with weights of the hub. The trainer says that it lacks them, which it does only where a training
 * begins; then they are fetched, and it is asked again.
 *
 * @param work is given where the weights are, or would be
 */
export async function withHubWeights<T>(
  weights: InitialWeights | undefined,
  cacheFolder: string,
  fetchWeights: (weights: HubWeights) => Promise<string>,
  work: (weightsFile: string | undefined) => Promise<T>,
): Promise<T> {
  if (!weights || !isFromHub(weights)) return work(undefined);
  try {
    return await work(keptWeights(cacheFolder, weights.sha256));
  } catch (error) {
    if (!isContrailError(error) || error.code !== 'WeightsMissing') throw error;
  }
  return work(await fetchWeights(weights));
}
