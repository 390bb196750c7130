import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { piecesIn, removePiece, type Store } from '../../store/index.ts';
import type { ForgottenImages } from '../forget/images.ts';
import type { Form } from '../form.ts';
import type { PreparedImage } from '../prepared-image.ts';
import { keyOfDigest } from '../row-digests.ts';
import { type KeptImage, readPiece, writePiece } from './pieces.ts';
import { placeOf } from './place.ts';
import { type GreyRows, openEarlierSets, recordSet } from './sets.ts';

/** Bytes of images that a preparation which is killed has to make again, at most. */
const defaultPieceBytes = 16 * 2 ** 20;

/**
 * Images that earlier preparations brought to the same form, by what they were made from: those of one that did not reach its
 * end, and those of data sets that did. They are the same to the bit as if they were made again, so it changes nothing but time.
 *
 * Owns: the pieces that it writes; they are removed when the data set is stored.
 */
export interface EarlierImages {
  /** @returns null where the image must be made */
  readonly find: (source: Uint8Array) => Promise<KeptImage | null>;
  /** Keeps an image that was made. Pieces are durable one after the other. */
  readonly keep: (image: PreparedImage) => Promise<void>;
  /** To be called when the data set is stored. */
  readonly finish: (dataset: ArtifactRef, grey: GreyRows) => Promise<void>;
  readonly close: () => Promise<void>;
  /** How many were found so far. */
  readonly found: () => number;
}

export async function openEarlierImages(
  store: Store,
  form: Form,
  {
    pieceBytes = defaultPieceBytes,
    forgotten = () => null,
  }: {
    readonly pieceBytes?: number | undefined;
    /** Images that may not be used, whoever still has them. */
    readonly forgotten?: ForgottenImages;
  } = {},
): Promise<EarlierImages> {
  const place = placeOf(form);
  const sets = await openEarlierSets(store, place);
  const names = [...(await piecesIn(store, place))];
  const inPieces = new Map<string, string>();
  for (const name of names)
    for (const { source } of (await readPiece(store, place, name)) ?? []) inPieces.set(keyOfDigest(source), name);

  /** Rows mostly come in the order in which they came before, so the last piece is the likeliest. */
  let last: { readonly name: string; readonly images: Promise<ReadonlyMap<string, KeptImage>> } | undefined;
  const pieceOf = (name: string) => {
    if (last?.name !== name) {
      const images = readPiece(store, place, name).then(
        (found) => new Map((found ?? []).map((image) => [keyOfDigest(image.source), image])),
      );
      last = { name, images };
    }
    return last.images;
  };

  let found = 0;
  let waiting: KeptImage[] = [];
  let bytes = 0;
  return {
    find: async (source) => {
      if (forgotten(source) !== null) return null;
      const key = keyOfDigest(source);
      const name = inPieces.get(key);
      const kept = name === undefined ? undefined : (await pieceOf(name)).get(key);
      const image = kept ?? (await sets.rows.get(key)?.()) ?? null;
      if (image) found++;
      return image;
    },
    keep: async ({ digests: { source }, pixels, encoded, channels }) => {
      const content = encoded ?? pixels;
      waiting.push({ source, content, channels });
      bytes += content.length;
      if (bytes < pieceBytes) return;
      names.push(await writePiece(store, place, waiting));
      [waiting, bytes] = [[], 0];
    },
    finish: async (dataset, grey) => {
      await recordSet(store, place, dataset, { grey, now: new Date() });
      for (const name of new Set(names)) await removePiece(store, place, name);
    },
    close: sets.close,
    found: () => found,
  };
}
