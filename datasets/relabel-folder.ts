import { times } from '../contracts/counted.ts';
import { sortByBytes } from './folder/class-names.ts';
import type { Line } from './folder/line.ts';
import type { Scan } from './folder/scan.ts';
import type { FoundFile } from './folder/walk.ts';
import { classesOf, type LabelledSplits } from './label-classes.ts';
import type { RawDataset } from './source.ts';
import { addedLabels, appliedOf, findRelabels, readRelabels, relabelCounter, requireNamed } from './table/relabels.ts';
import { placeOf } from './table/table-file.ts';

/** A folder of images after corrections. */
export interface Relabelled {
  /** With the classes that the labels are now. */
  readonly scan: Scan;
  readonly sources: readonly Line[];
  /** Files that are left out. */
  readonly dropped: readonly Line[];
  readonly relabels?: RawDataset['relabels'];
}

/**
 * Gives images of a folder other labels than their folders, or leaves them out, as a table of corrections says.
 *
 * @throws ContrailError InvalidDataset for corrections that cannot be read, and for such of images that are not in the folder
 */
export async function relabelledScan(scan: Scan, path: string | undefined): Promise<Relabelled> {
  if (path === undefined) return { scan, sources: [], dropped: [] };
  const file = await findRelabels(path);
  const relabels = await readRelabels(file, scan.root);
  const counter = relabelCounter(relabels);
  const seen = new Set<string>();
  const dropped: Line[] = [];
  const relabelled = (files: Scan['splits'][keyof Scan['splits']] = []) =>
    files.flatMap((each) => {
      const written = scan.classes[each.label] ?? '';
      seen.add(each.path);
      counter.add(each.path, written);
      const relabel = relabels.byName.get(each.path);
      if (relabel?.label !== null) return [{ ...each, label: relabel?.label ?? written }];
      const { label: _, ...left } = each;
      dropped.push({ ...left, what: 'left out', why: `by ${placeOf(file, relabel.line)}` });
      return [];
    });
  const splits = Object.fromEntries(Object.entries(scan.splits).map(([name, files]) => [name, relabelled(files)]));
  requireNamed(relabels, (name) => seen.has(name));
  const all = dropped.length === 1 ? 'the only image' : `all ${times(dropped.length, 'image')}`;
  const numbered = inClasses(splits, `No image is left: ${file.name} leaves out ${all}.`);
  const applied = counter.result();
  return {
    scan: {
      ...scan,
      ...numbered,
      problems: [...scan.problems, ...numbered.problems],
      warnings: [...scan.warnings, ...addedLabels(applied, file)],
    },
    sources: [{ ...file, what: 'relabels' }],
    dropped,
    relabels: appliedOf(applied, file),
  };
}

/** Numbers the classes anew, and brings the files into their order. */
function inClasses(
  splits: LabelledSplits<FoundFile & { readonly label: string }>,
  nothing: string,
): Pick<Scan, 'classes' | 'splits' | 'problems'> {
  const { classes, problems } = classesOf(splits, nothing);
  const numbers = new Map(classes.map((name, label) => [name, label]));
  const numbered = (files: readonly (FoundFile & { readonly label: string })[]) =>
    sortByBytes(files, ({ path }) => path)
      .map((file) => ({ ...file, label: numbers.get(file.label) ?? 0 }))
      .sort((a, b) => a.label - b.label);
  return {
    classes,
    problems,
    splits: Object.fromEntries(Object.entries(splits).map(([split, files]) => [split, numbered(files)])),
  };
}
