import { createHash } from 'node:crypto';
import { digestSchema, type SplitName } from '../../contracts/artifacts.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { someOf } from '../../contracts/some-of.ts';
import { explained } from '../../contracts/system-errors.ts';
import { visible } from '../../contracts/visible-text.ts';
import { datasetAboutOf, type Store } from '../../store/index.ts';
import { readRegular } from '../read-file.ts';
import { readRowDigests } from '../row-digests.ts';
import { readRowFacts } from '../row-facts.ts';
import { artifactsOf } from './artifacts-of.ts';
import { embeddedRows } from './embedded-rows.ts';
import { imagesBeginning, isDigestPrefix } from './prefixed.ts';

/**
 * The image that a person names: by the SHA-256 of its file, as the rows of prepared data sets, of embedded images and of indexes
 * call it, by a file on this machine, or by the beginning of the SHA-256 of an image that the store knows.
 *
 * @returns SHA-256 of its file
 * @throws ContrailError Usage where there is none of that name, or several; CorruptArtifact, StoreUnreadable
 */
export async function imageNamed(store: Store, image: string): Promise<string> {
  // Windows writes digests in capitals.
  const digest = image.trim().toLowerCase();
  if (digestSchema.safeParse(digest).success) return digest;
  const ofFile = await digestOfFile(image);
  const found = new Set([
    ...(await rowsNamed(store, image)),
    ...(await embeddedNamed(store, image)),
    ...(ofFile === null ? [] : [ofFile]),
  ]);
  const [one, ...others] = found;
  if (one === undefined && isDigestPrefix(digest)) return beginning(store, digest);
  if (one === undefined)
    throw new ContrailError(
      'Usage',
      `${image} is no file on this machine, and no row of a data set or an index is called so. Name the image by its path, or by the SHA-256 of its file (\`sha256sum\`).`,
    );
  if (others.length > 0)
    throw new ContrailError(
      'Usage',
      `${image} names ${found.size} images. Name one by its SHA-256: ${someOf([...found])}.`,
    );
  return one;
}

async function beginning(store: Store, prefix: string): Promise<string> {
  const found = [...(await imagesBeginning(store, prefix))];
  const [one, ...others] = found;
  if (one === undefined)
    throw new ContrailError(
      'Usage',
      `${prefix} is no file on this machine, no row of a data set or an index is called so, and no image of the store has a SHA-256 that begins so.`,
    );
  if (others.length === 0) return one[0];
  const shown = found.map(([digest, name]) => (name === null ? digest : `${digest} (${visible(name)})`));
  throw new ContrailError(
    'Usage',
    `The SHA-256 of ${found.length} images begins with ${prefix}. Name one by more digits: ${someOf(shown)}.`,
  );
}

async function rowsNamed(store: Store, image: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { ref, manifest } of artifactsOf(store, ['dataset'])) {
    const { splits } = datasetAboutOf(manifest, ref);
    for (const split of Object.keys(splits) as SplitName[]) {
      const facts = await readRowFacts(store, ref, split);
      const rows = (facts ?? []).flatMap(({ name }, row) => (name === image ? [row] : []));
      if (rows.length === 0) continue;
      const digests = await readRowDigests(store, ref, split);
      for (const row of rows) {
        const source = digests?.source[row];
        if (source !== undefined) found.push(source);
      }
    }
  }
  return found;
}

async function embeddedNamed(store: Store, image: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name, source } of embeddedRows(store)) if (name === image) found.push(source);
  return found;
}

async function digestOfFile(path: string): Promise<string | null> {
  try {
    const bytes = await readRegular(path);
    return bytes && createHash('sha256').update(bytes).digest('hex');
  } catch (cause) {
    const known = explained(cause);
    if (!known) throw cause;
    if (['FileMissing', 'NotAFolder', 'IsAFolder', 'NameTooLong'].includes(known.code)) return null;
    throw new ContrailError('Usage', `${path} cannot be read. ${known.message}`, { cause });
  }
}
