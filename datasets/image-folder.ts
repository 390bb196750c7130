import { basename, join } from 'node:path';
import { ContrailError } from '../contracts/errors.ts';
import { someOf } from '../contracts/some-of.ts';
import { visible } from '../contracts/visible-text.ts';
import type { FolderAccount } from './account.ts';
import { countPerClass } from './count-per-class.ts';
import { decodeFile } from './folder/decode.ts';
import { type Inspected, inspectFiles } from './folder/inspect.ts';
import { layoutShown } from './folder/layout.ts';
import { writeList } from './folder/list.ts';
import { rootOf } from './folder/root.ts';
import { scanFolder } from './folder/scan.ts';
import type { FoundFile, Rejected } from './folder/walk.ts';
import type { Form } from './form.ts';
import { digestBytes } from './row-digests.ts';
import type { PreparationOptions, RawDataset, RawSplit } from './source.ts';

/** Problems of a folder that are told; the list has all files. */
const mostProblems = 12;
const mostRejectedShown = 5;

type Labelled = FoundFile & { readonly label: number };

/**
 * A folder of images, one folder a class: `train/<class>/…`, with `validation/` and `test/` beside `train/` where there are
 * any; or the classes directly in the folder. Folders in a class belong to it. What is an image is decided by content.
 *
 * Every file is accounted for: it is an image, or rejected with a reason, or one that a program is known to leave behind.
 *
 * @throws ContrailError InvalidDataset that names all that keeps the folder from being understood
 */
export async function imageFolder(path: string, form: Form, options: PreparationOptions): Promise<RawDataset> {
  const root = await rootOf(path);
  const scan = await scanFolder(root, options.signal);
  const files = Object.values(scan.splits).flat();
  if (scan.problems.length > 0) {
    const list = await writeList(options, { files, fateOf: () => 'found', ...scan });
    throw notUnderstood(path, scan.problems, scan.rejected, list);
  }
  const inspected = await inspectFiles(root, files, options);
  await new Promise(setImmediate);
  const outcomes = new Map(files.map((file, at) => [file, inspected[at] as Inspected | Rejected]));
  const rejected = [...scan.rejected, ...inspected.filter((each) => 'reason' in each)];
  const multiple = files.filter((file) => pagesOf(outcomes.get(file)) > 1);
  const account: FolderAccount = {
    files,
    rejected,
    ignored: scan.ignored,
    perClass: countPerClass(
      files.map(({ label }) => label),
      scan.classes.length,
    ),
    warnings: [
      ...scan.warnings,
      ...(multiple.length > 0
        ? [
            `${multiple.length} files hold several pictures, of which the first is used: ${someOf(
              multiple.map((file) => visible(file.path)),
              3,
            )}.`,
          ]
        : []),
    ],
  };
  // Of hundreds of thousands of files each of these steps is a tenth of a second or more.
  await new Promise(setImmediate);
  const splitOf = (own: readonly Labelled[]) => readable(root, own, outcomes, form);
  const { train = [], validation, test } = scan.splits;
  return {
    name: basename(root) || 'image-folder',
    classes: scan.classes,
    root,
    account,
    train: splitOf(train),
    ...(validation ? { validation: splitOf(validation) } : {}),
    ...(test ? { test: splitOf(test) } : {}),
  };
}

const pagesOf = (outcome: Inspected | Rejected | undefined) => (outcome && 'pages' in outcome ? outcome.pages : 1);

function readable(
  root: string,
  files: readonly Labelled[],
  outcomes: ReadonlyMap<Labelled, Inspected | Rejected>,
  form: Form,
): RawSplit {
  const images = files.flatMap((file) => {
    const outcome = outcomes.get(file);
    return outcome && !('reason' in outcome) ? [{ ...file, ...outcome }] : [];
  });
  const digests = new Uint8Array(images.length * digestBytes);
  for (const [row, { digest }] of images.entries()) digests.set(digest, row * digestBytes);
  return {
    count: images.length,
    labels: Int32Array.from(images, ({ label }) => label),
    digests,
    nameOf: (row) => images[row]?.path ?? '',
    factsOf: () => ({}),
    read: async (row) => {
      const image = images[row];
      if (!image) throw new RangeError(`there is no image ${row}`);
      return decodeFile(join(root, image.path), image.label, image, form);
    },
  };
}

function notUnderstood(
  path: string,
  problems: readonly string[],
  rejected: readonly Rejected[],
  list: string | null,
): ContrailError {
  const more = problems.length - mostProblems;
  return new ContrailError(
    'InvalidDataset',
    [
      `${visible(path)} cannot be used as it is${problems.length === 1 ? '' : `: ${problems.length} problems`}.`,
      ...problems.slice(0, mostProblems).map((problem) => `  - ${visible(problem)}`),
      ...(more > 0 ? [`  and ${more} more`] : []),
      ...(rejected.length > 0
        ? [
            `${rejected.length === 1 ? 'One file is' : `${rejected.length} files are`} rejected besides:`,
            ...rejected.slice(0, mostRejectedShown).map((each) => `  ${visible(`${each.path} ${each.reason}`)}`),
            ...(rejected.length > mostRejectedShown ? [`  and ${rejected.length - mostRejectedShown} more`] : []),
          ]
        : []),
      ...(list === null ? [] : [`All files that were found: ${list}`]),
      layoutShown,
    ].join('\n'),
  );
}
