import { ContrailError } from '../../contracts/errors.ts';
import { someOf } from '../../contracts/some-of.ts';
import { visible } from '../../contracts/visible-text.ts';
import { byBytes } from './by-bytes.ts';
import { textOfCell } from './cell.ts';
import { imageOfCell } from './image-cell.ts';
import { labelOfCell } from './label-cell.ts';
import type { TableRecord } from './record.ts';
import { recordsOf } from './records.ts';
import { digestOfTable, findTable, placeOf, type TableFile } from './table-file.ts';
import { isNumberedName, type UrlNames, unnumbered } from './url-names.ts';

/** The label that leaves an image out. */
export const dropLabel = '-';

const mostNamed = 12;

/** What is to become of an image. */
export interface Relabel {
  readonly line: number;
  /** Null: it is left out. */
  readonly label: string | null;
}

/** What corrections did. */
export interface AppliedRelabels {
  /** Of their table. */
  readonly sha256: string;
  /** Images that have another label than they had. */
  readonly changed: number;
  /** Images that are left out. */
  readonly dropped: number;
  /** Labels that no image had. */
  readonly added: readonly string[];
}

/** A table of corrections, on top of a data set. */
export interface Relabels {
  readonly file: TableFile;
  /** Of the file. */
  readonly sha256: string;
  /** By the names of the images. */
  readonly byName: ReadonlyMap<string, Relabel>;
}

/**
 * Finds a table of corrections, which people write.
 *
 * @throws ContrailError InvalidDataset
 */
export async function findRelabels(path: string): Promise<TableFile> {
  const file = await findTable(path);
  if (file.format !== 'parquet') return file;
  throw new ContrailError('InvalidDataset', `${path} cannot hold corrections: write them as .csv, .tsv or .jsonl.`);
}

const advice = 'Corrections have a column "image" and a column "label"; all others are passed over.';

/**
 * Reads a table with the columns `image` and `label`; others, such as `note`, are for people.
 *
 * @param root the folder that paths of images begin from
 * @param urls what the data set calls URLs
 * @throws ContrailError InvalidDataset with the line of a row that cannot be understood
 */
export async function readRelabels(file: TableFile, root: string, urls: UrlNames = unnumbered): Promise<Relabels> {
  const byName = new Map<string, Relabel>();
  for await (const record of recordsOf({ ...file, needed: ['image', 'label'], optional: [], advice })) {
    const wrong = (what: string) => new ContrailError('InvalidDataset', `${placeOf(file, record.line)}: ${what}`);
    const { name, label } = understood(record, { root, urls }, wrong);
    const before = byName.get(name);
    if (before)
      throw wrong(`${visible(name)} is relabelled by ${placeOf(file, before.line)} already. Keep one of the two.`);
    byName.set(name, { line: record.line, label });
  }
  return { file, sha256: await digestOfTable(file), byName };
}

function understood(
  { cells }: TableRecord,
  { root, urls }: { readonly root: string; readonly urls: UrlNames },
  wrong: (what: string) => ContrailError,
) {
  if (typeof cells === 'string') throw wrong(`the row ${cells}.`);
  const image = textOfCell(cells[0]);
  if ('problem' in image) throw wrong(`the image ${image.problem}.`);
  const found = imageOfCell(image.text, root, { allowUrls: true, urls });
  // What lists and messages call a URL with a query.
  const name = isNumberedName(image.text) ? image.text : found.name;
  if ('reason' in found) throw wrong(`the row ${found.reason}${found.name === '' ? '' : `: ${visible(found.name)}`}.`);
  const label = labelOfCell(cells[1]);
  if ('problem' in label)
    throw wrong(
      `${visible(name)} ${label.problem}. Write the label that it is to have, or \`${dropLabel}\` to leave it out.`,
    );
  return { name, label: label.text === dropLabel ? null : label.text };
}

/**
 * Refuses corrections of images that are not there.
 *
 * @throws ContrailError InvalidDataset that names the lines
 */
export function requireNamed({ file, byName }: Relabels, isThere: (name: string) => boolean): void {
  const lost = [...byName].filter(([name]) => !isThere(name));
  if (lost.length === 0) return;
  throw new ContrailError(
    'InvalidDataset',
    [
      `${lost.length === 1 ? 'One row' : `${lost.length} rows`} of ${file.name} ${lost.length === 1 ? 'names an image that is' : 'name images that are'} not in the data set:`,
      ...lost.slice(0, mostNamed).map(([name, { line }]) => `  ${placeOf(file, line)}: ${visible(name)}`),
      ...(lost.length > mostNamed ? [`  and ${lost.length - mostNamed} more`] : []),
      'Write each image as the list of the data set has it, or remove the row.',
    ].join('\n'),
  );
}

/** Notes what corrections do, image by image. */
export function relabelCounter({ sha256, byName }: Relabels): {
  /** @param written the label that the image had; null for none */
  readonly add: (name: string, written: string | null) => void;
  readonly result: () => AppliedRelabels;
} {
  const changed = new Set<string>();
  const dropped = new Set<string>();
  const known = new Set<string>();
  return {
    add: (name, written) => {
      if (written !== null) known.add(written);
      const relabel = byName.get(name);
      if (relabel?.label === null) dropped.add(name);
      else if (relabel && relabel.label !== written) changed.add(name);
    },
    result: () => {
      const given = new Set([...byName.values()].flatMap(({ label }) => (label === null ? [] : [label])));
      const added = [...given].filter((label) => !known.has(label)).sort(byBytes);
      return { sha256, changed: changed.size, dropped: dropped.size, added };
    },
  };
}

/** A warning for labels that corrections brought in: one may be written wrong. */
export const addedLabels = ({ added }: AppliedRelabels, { name }: Pick<TableFile, 'name'>): string[] =>
  added.length === 0
    ? []
    : [`${name} gives labels that no image had: ${someOf(added.map(visible))}. Each is a class of its own.`];

/** What a step says of the corrections that it applied. */
export const appliedOf = ({ sha256, changed, dropped }: AppliedRelabels, { path }: Pick<TableFile, 'path'>) => ({
  file: path,
  sha256,
  changed,
  dropped,
});
