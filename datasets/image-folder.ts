import { basename, join } from 'node:path';
import type { FolderAccount } from './account.ts';
import { countPerClass } from './count-per-class.ts';
import { inspectFiles } from './folder/inspect.ts';
import { layoutShown, splitOf as splitOfFolder } from './folder/layout.ts';
import { writeList } from './folder/list.ts';
import { notUnderstood } from './folder/not-understood.ts';
import { type ReadableImage, readable, severalPictures } from './folder/readable.ts';
import { rootOf } from './folder/root.ts';
import { scanFolder } from './folder/scan.ts';
import type { FoundFile } from './folder/walk.ts';
import type { Form } from './form.ts';
import type { LabelledSplits } from './label-classes.ts';
import { relabelledScan } from './relabel-folder.ts';
import { eachSplit, type PreparationOptions, type RawDataset } from './source.ts';

type Labelled = FoundFile & { readonly label: number };

/**
 * A folder of images, one folder a class: `train/<class>/…`, with `validation/` and `test/` beside `train/` where there are
 * any; or the classes directly in the folder. Folders in a class belong to it. What is an image is decided by content.
 *
 * Every file is accounted for: it is an image, or rejected with a reason, or one that a program is known to leave behind.
 *
 * @throws ContrailError InvalidDataset that names all that keeps the folder from being understood
 */
export async function imageFolder(
  path: string,
  form: Form,
  options: PreparationOptions,
  corrections?: string,
): Promise<RawDataset> {
  const root = await rootOf(path);
  const found = await scanFolder(root, options.signal);
  // What is not understood as it is would only be harder to understand after corrections.
  const { scan, sources, dropped, relabels } = await relabelledScan(
    found,
    found.problems.length > 0 ? undefined : corrections,
  );
  const files = Object.values(scan.splits).flat();
  if (scan.problems.length > 0) {
    const list = await writeList(options, { ...scan, sources, files, fateOf: () => 'found', others: dropped });
    throw notUnderstood(path, { ...scan, list, layout: layoutShown });
  }
  const inspected = await inspectFiles(root, files, options);
  await new Promise(setImmediate);
  const outcomes = new Map(files.map((file, at) => [file, inspected[at]]));
  const rejected = [...scan.rejected, ...inspected.filter((each) => 'reason' in each)];
  const usable = (own: readonly Labelled[]) =>
    own.flatMap((file): ReadableImage[] => {
      const outcome = outcomes.get(file);
      if (!outcome || 'reason' in outcome) return [];
      return [{ ...file, ...outcome, facts: groupOf(file.path), at: join(root, file.path) }];
    });
  const images: LabelledSplits<ReadableImage> = Object.fromEntries(
    Object.entries(scan.splits).map(([split, own]) => [split, usable(own)]),
  );
  const account: FolderAccount = {
    of: 'files',
    sources,
    files,
    rejected,
    dropped,
    ignored: scan.ignored,
    perClass: countPerClass(
      files.map(({ label }) => label),
      scan.classes.length,
    ),
    warnings: [...scan.warnings, ...severalPictures(Object.values(images).flat())],
  };
  // Of hundreds of thousands of files each of these steps is a tenth of a second or more.
  await new Promise(setImmediate);
  return {
    name: basename(root) || 'image-folder',
    classes: scan.classes,
    root,
    ...(relabels ? { relabels } : {}),
    account,
    ...eachSplit({ train: [], ...images }, (own) => readable(own, form)),
  };
}

/** A folder inside that of the class is a group: its name with that of the class, which may have one of the same name. */
function groupOf(path: string): { readonly group?: string } {
  const [first = '', ...rest] = path.normalize('NFC').split('/');
  const inClass = splitOfFolder(first) === null ? [first, ...rest] : rest;
  return inClass.length > 2 ? { group: inClass.slice(0, 2).join('/') } : {};
}
