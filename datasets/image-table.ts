import { count } from '../contracts/counted.ts';
import type { PrepareDataParameters } from '../contracts/kinds/prepare-data.ts';
import type { FolderAccount, Unused } from './account.ts';
import { countPerClass } from './count-per-class.ts';
import { type Inspected, inspectFiles } from './folder/inspect.ts';
import type { SplitFolder } from './folder/layout.ts';
import type { Line } from './folder/line.ts';
import { writeList } from './folder/list.ts';
import { notUnderstood } from './folder/not-understood.ts';
import { type ReadableImage, readable, severalPictures } from './folder/readable.ts';
import type { Form } from './form.ts';
import { classesOf, type LabelledSplits, problemsOfLabels } from './label-classes.ts';
import { eachSplit, type PreparationOptions, type RawDataset } from './source.ts';
import { byBytes } from './table/by-bytes.ts';
import { requireFetched } from './table/fetch/index.ts';
import { findImages } from './table/find-images.ts';
import { type LocatedFile, locate } from './table/locate.ts';
import { openTable, type TableParameters } from './table/open-table.ts';
import { addedLabels, appliedOf } from './table/relabels.ts';
import type { ImageRow, TableRow } from './table/row.ts';
import { placeOf, type TableFile, tableShown } from './table/table-file.ts';

type Parameters = TableParameters & Pick<PrepareDataParameters, 'maximumRejected'>;

/** A row whose image is wanted. */
type Wanted = TableRow & ImageRow & { readonly place: string };

/** What became of it. `file` is absent where there is none. */
type Outcome = { readonly row: Wanted; readonly file?: LocatedFile } & (
  | { readonly inspected: Inspected; readonly file: LocatedFile }
  | { readonly reason: string }
);

/** What the image of a row without one is called. */
const nameless = '(no image)';

/**
 * A table of images and their labels. Images are files below its folder, or URLs. Rows are in the order of the names of their
 * images, so the order in the table decides nothing.
 *
 * Every row is accounted for: it is an image, or rejected with a reason, or left out by a correction.
 *
 * @throws ContrailError InvalidDataset that names all that keeps the table from being understood; ConnectionFailed where more images
 * than may be missing could not be fetched for reasons that pass
 */
export async function imageTable(parameters: Parameters, form: Form, options: PreparationOptions): Promise<RawDataset> {
  const { path, columns, maximumRejected } = parameters;
  const { file, corrections, rows, about } = await openTable(parameters, options.signal);
  const placed = rows.map((row) => ({ ...row, place: placeOf(file, row.line) }));
  const wanted = placed.filter((row): row is Wanted => row.is === 'image');
  const { classes, problems: problemsOfClasses } = classesOf(splitsOf(wanted), whyNoImage(rows, file, corrections));
  const problems = [
    ...problemsOfClasses,
    ...problemsOfLabels(
      wanted.map((row) => row.labels),
      columns?.labels ?? [],
    ),
  ];
  const labels = new Map(classes.map((name, label) => [name, label]));
  const refused = placed.flatMap((row): Unused[] => (row.is === 'rejected' ? [unused(row, row.reason, labels)] : []));
  const sources = [
    { what: 'table', path: file.name, bytes: file.bytes, modified: file.modified },
    ...(corrections ? [{ ...corrections, what: 'relabels' }] : []),
  ];
  if (problems.length > 0) {
    const others = [
      ...wanted.map(({ name, place }) => ({ what: 'found', path: name, place })),
      ...(await droppedOf(placed, file, corrections)),
    ];
    const list = await writeList(options, {
      of: 'rows',
      classes,
      sources,
      files: [],
      fateOf: () => 'found',
      rejected: refused,
      others,
      ignored: {},
      problems,
    });
    throw notUnderstood(path, { problems, rejected: refused, list, layout: tableShown });
  }

  const outcomes = await examined(file.root, wanted, { refused: refused.length, maximumRejected }, options);
  const usable = outcomes.flatMap((each) => ('inspected' in each ? [imageOf(each, labels)] : []));
  const lost = outcomes.flatMap((each) => ('reason' in each ? [unused(each.row, each.reason, labels)] : []));
  const account: FolderAccount = {
    of: 'rows',
    sources,
    files: outcomes.flatMap((each) => (each.file ? [listed(each.row, each.file, labels)] : [])),
    rejected: inAnyOrder([...refused, ...lost]),
    dropped: await droppedOf(placed, file, corrections),
    ignored: {},
    perClass: countPerClass(
      [...usable, ...refused, ...lost].flatMap(({ label }) => (label === undefined ? [] : [label])),
      classes.length,
    ),
    warnings: [
      ...about.warnings,
      ...severalPictures(usable),
      ...(corrections && about.relabels ? addedLabels(about.relabels, corrections) : []),
    ],
  };
  return {
    name: file.name,
    classes,
    ...(columns?.labels ? { labels: columns.labels } : {}),
    root: file.root,
    table: { file: file.path, sha256: about.sha256 },
    ...(corrections && about.relabels ? { relabels: appliedOf(about.relabels, corrections) } : {}),
    account,
    ...eachSplit({ train: [], ...splitsOf(usable) }, (images) => readable(images, form)),
  };
}

/** Why no row of a table names an image that can be used. */
function whyNoImage(
  rows: readonly TableRow[],
  { name }: Pick<TableFile, 'name'>,
  corrections: Pick<TableFile, 'name'> | null,
): string {
  const dropped = rows.filter(({ is }) => is === 'dropped').length;
  const rejected = rows.length - dropped;
  if (rows.length === 0) return `${name} has no rows: it needs one for each image.`;
  const by = corrections?.name ?? '';
  if (rejected === 0) return `No row is left of ${name}: ${by} leaves out ${allOf(dropped)}.`;
  if (dropped === 0) return `No row of ${name} can be used: ${allOf(rejected)} ${are(rejected)} rejected.`;
  return `No row is left of ${name}: ${by} leaves out ${count(dropped)}, and ${count(rejected)} ${are(rejected)} rejected.`;
}

const allOf = (rows: number) => (rows === 1 ? 'the only one' : `all ${count(rows)}`);
const are = (rows: number) => (rows === 1 ? 'is' : 'are');

/** By split; a row that names none is in train, and a split that no row names is absent. */
function splitsOf<T extends { readonly split: SplitFolder | null }>(rows: readonly T[]): LabelledSplits<T> {
  const of = (name: SplitFolder) => rows.filter(({ split }) => (split ?? 'train') === name);
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  return { train, ...(validation.length > 0 ? { validation } : {}), ...(test.length > 0 ? { test } : {}) };
}

/** Finds the images, fetches those that are URLs, and opens each once. */
async function examined(
  root: string,
  rows: readonly Wanted[],
  { refused, maximumRejected }: { readonly refused: number; readonly maximumRejected: number },
  options: PreparationOptions,
): Promise<readonly Outcome[]> {
  const found = await findImages(root, rows, options);
  const missing = rows.flatMap(({ name, place }, at) => {
    const outcome = found[at];
    return outcome && 'reason' in outcome ? [{ path: name, place, ...outcome }] : [];
  });
  const passing = missing.filter((each) => each.passing);
  requireFetched({ passing, rejected: refused + missing.length, maximumRejected });
  const files = found.flatMap((each) => ('reason' in each ? [] : [{ ...each, path: each.at }]));
  const inspected = (await inspectFiles('', files, options)).values();
  return rows.map((row, at): Outcome => {
    const file = found[at];
    if (!file || 'reason' in file) return { row, reason: file?.reason ?? 'is not there' };
    const outcome = inspected.next().value;
    return outcome && 'digest' in outcome
      ? { row, file, inspected: outcome }
      : { row, file, reason: outcome?.reason ?? 'was not read' };
  });
}

type Labels = ReadonlyMap<string, number>;

function imageOf(
  { row, file, inspected }: Extract<Outcome, { readonly inspected: Inspected }>,
  labels: Labels,
): ReadableImage & { readonly split: SplitFolder | null } {
  const { name, split, group, category, labels: further } = row;
  return {
    ...inspected,
    path: name,
    at: file.at,
    bytes: file.bytes,
    label: labels.get(row.label) ?? 0,
    split,
    facts: {
      ...(group === undefined ? {} : { group }),
      ...(category === undefined ? {} : { category }),
      ...(further === undefined ? {} : { labels: further }),
    },
  };
}

function unused(
  { name, place, label: named }: { readonly name: string; readonly place: string; readonly label?: string },
  reason: string,
  labels: Labels,
): Unused {
  const label = labels.get(named ?? '');
  return { path: name === '' ? nameless : name, place, reason, ...(label === undefined ? {} : { label }) };
}

const listed = ({ name, place, label }: Wanted, { bytes, modified }: LocatedFile, labels: Labels) => ({
  path: name,
  bytes,
  modified,
  place,
  label: labels.get(label) ?? 0,
});

/** What is rejected is part of the data set, and must not depend on the order of the rows. */
const inAnyOrder = (rejected: readonly Unused[]): readonly Unused[] =>
  [...rejected].sort((a, b) => byBytes(a.path, b.path) || byBytes(a.reason, b.reason));

/** Rows that corrections leave out. Their files are looked for, so that it is seen later when they change. */
async function droppedOf(
  rows: readonly (TableRow & { readonly place: string })[],
  { root }: TableFile,
  corrections: TableFile | null,
): Promise<readonly Line[]> {
  const dropped: Line[] = [];
  for (const row of rows) {
    if (row.is !== 'dropped' || !corrections) continue;
    const file = row.source.is === 'file' ? await locate(root, row.name) : null;
    dropped.push({
      ...(file && 'bytes' in file ? { bytes: file.bytes, modified: file.modified } : {}),
      what: 'left out',
      path: row.name,
      place: row.place,
      why: `by ${placeOf(corrections, row.byLine)}`,
    });
  }
  return dropped;
}
