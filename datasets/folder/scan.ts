import { dirname, join, sep } from 'node:path';
import { someOf } from '../../contracts/some-of.ts';
import { likeness, lookAlikes, sortByBytes, withCodePoints } from './class-names.ts';
import { probableSplitOf, type SplitFolder, splitNamesShown, splitOf } from './layout.ts';
import { type Entry, type FoundFile, openTree, type Rejected, type Tree } from './walk.ts';

type Folder = Extract<Entry, { readonly is: 'folder' }>;

/** What a folder of images holds, by names alone; no file has been opened. */
export interface Scan {
  readonly root: string;
  /** In the order of their labels. */
  readonly classes: readonly string[];
  /** Files that may be images, by class, then by path. Splits without a folder are absent. */
  readonly splits: Readonly<Partial<Record<SplitFolder, readonly (FoundFile & { readonly label: number })[]>>>;
  readonly rejected: readonly Rejected[];
  /** Files that programs leave behind, by program. */
  readonly ignored: Readonly<Record<string, number>>;
  /** What keeps the folder from being understood. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** What has been seen so far; every entry of every folder goes to exactly one of the three. */
interface Account {
  readonly tree: Tree;
  readonly rejected: Rejected[];
  readonly ignored: Record<string, number>;
  readonly problems: string[];
  readonly warnings: string[];
  /** Real paths of folders whose files were taken, and of files that were taken through links. */
  readonly taken: Set<string>;
}

/**
 * Finds splits, classes and files. Problems of the whole are collected, not thrown.
 *
 * @param root a real path
 * @throws ContrailError InvalidDataset for a folder that cannot be read
 */
export async function scanFolder(root: string, signal?: AbortSignal): Promise<Scan> {
  const tree = openTree(root, signal);
  const account: Account = { tree, rejected: [], ignored: {}, problems: [], warnings: [], taken: new Set([root]) };
  const top = await foldersOf(account, '', root, 'lies beside the folders of classes and splits: move it into a class');
  const named = new Map<SplitFolder, Folder[]>();
  for (const folder of top) {
    const split = splitOf(folder.name);
    if (split) named.set(split, [...(named.get(split) ?? []), folder]);
  }
  for (const [split, folders] of named)
    if (folders.length > 1) account.problems.push(`${listed(folders)} both mean ${split}: keep one of them.`);
  const hasTrain = named.has('train');
  if (!hasTrain) await checkPlainClasses(account, top, [...named.values()].flat());
  const found = hasTrain ? await readSplits(account, named) : { train: await readClasses(account, top, '') };
  if (hasTrain)
    await refuseOthers(
      account,
      top.filter(({ name }) => splitOf(name) === null),
    );
  const { rejected, ignored, problems, warnings } = account;
  return { root, ...assemble(account, found, hasTrain), rejected, ignored, problems, warnings };
}

type ClassFiles = ReadonlyMap<string, readonly FoundFile[]>;

async function readSplits(account: Account, named: ReadonlyMap<SplitFolder, readonly Folder[]>) {
  const found: Partial<Record<SplitFolder, ClassFiles>> = {};
  for (const [split, folders] of named) {
    const [folder] = folders;
    if (!folder) continue;
    account.taken.add(folder.real);
    const reason = 'lies beside the folders of the classes: move it into one';
    const classes = await foldersOf(account, folder.path, folder.real, reason);
    found[split] = await readClasses(account, classes, folder.path);
  }
  return found;
}

/** The folders in a folder; what else is there is accounted for. */
async function foldersOf(account: Account, path: string, real: string, beside: string): Promise<Folder[]> {
  const folders: Folder[] = [];
  for (const entry of await account.tree.list(path)) {
    if (entry.is === 'folder') {
      if (leadsUp(entry.real, real))
        account.problems.push(`${entry.path} is a link to a folder that it lies in: remove it.`);
      else folders.push(entry);
    } else if (entry.is === 'file') account.rejected.push({ path: entry.path, reason: tableOr(entry.name, beside) });
    else {
      setAside(account, entry);
      if (entry.is === 'unusable' && entry.mayBeFolder) account.problems.push(`${entry.path} ${entry.reason}.`);
    }
  }
  return folders;
}

const tableOr = (name: string, reason: string) =>
  /\.(csv|tsv|jsonl?|xlsx?|parquet|txt|ya?ml|md)$/i.test(name)
    ? 'is not read: labels are the names of folders only'
    : reason;

function setAside({ rejected, ignored }: Account, entry: Exclude<Entry, { readonly is: 'file' | 'folder' }>): void {
  if (entry.is === 'dropping') ignored[entry.of] = (ignored[entry.of] ?? 0) + entry.files;
  else if (entry.is === 'unusable') rejected.push({ path: entry.path, reason: entry.reason });
  else
    rejected.push({
      path: entry.path,
      reason: `is a hidden folder (${entry.files} ${entry.files === 1 ? 'file' : 'files'}), as its name begins with a dot: rename or remove it`,
    });
}

/** Reads every class, folders in it included. Names that differ in their Unicode form alone are one class. */
async function readClasses(account: Account, folders: readonly Folder[], within: string): Promise<ClassFiles> {
  const classes = new Map<string, FoundFile[]>();
  const forms = new Map<string, Folder[]>();
  for (const folder of folders) {
    const name = folder.name.normalize('NFC');
    forms.set(name, [...(forms.get(name) ?? []), folder]);
    const files = classes.get(name) ?? [];
    await readInto(account, files, folder);
    classes.set(name, files);
  }
  for (const [name, same] of forms)
    if (same.length > 1)
      account.warnings.push(
        `${same.length} folders${within === '' ? '' : ` of ${within}`} are named ${name} in different Unicode forms and are one class: ${same.map((each) => withCodePoints(each.name)).join(' and ')}.`,
      );
  return classes;
}

async function readInto(account: Account, files: FoundFile[], start: Folder): Promise<void> {
  const open: Folder[] = [start];
  const seen = new Set([start.real]);
  for (let folder = open.pop(); folder; folder = open.pop()) {
    account.taken.add(folder.real);
    const deeper: Folder[] = [];
    for (const entry of await account.tree.list(folder.path)) {
      if (entry.is === 'file') {
        if (dirname(entry.real) !== folder.real) account.taken.add(entry.real);
        files.push({ path: entry.path, bytes: entry.bytes, modified: entry.modified });
      } else if (entry.is !== 'folder') setAside(account, entry);
      else if (leadsUp(entry.real, folder.real))
        account.rejected.push({ path: entry.path, reason: 'is a link to a folder that it lies in: remove it' });
      else if (seen.has(entry.real))
        account.rejected.push({ path: entry.path, reason: 'is a link to a folder of this class that is read already' });
      else {
        seen.add(entry.real);
        deeper.push(entry);
      }
    }
    for (const entry of deeper.reverse()) open.push(entry);
  }
}

/** The folder above is the real one, or above it: a link that leads round in a circle. */
const leadsUp = (target: string, from: string) => from === target || from.startsWith(target + sep);

/** Folders beside train/ that are no split, unless all that is in them was read through links. */
async function refuseOthers(account: Account, folders: readonly Folder[]): Promise<void> {
  for (const folder of folders) {
    const left = await untaken(account, folder);
    if (left === 0) continue;
    const probable = probableSplitOf(folder.name);
    account.problems.push(
      `${folder.path}/ (${left} ${left === 1 ? 'file' : 'files'}) is none of the folders that count beside train/: ${splitNamesShown}. ${
        probable
          ? `If it is the ${probable} set, rename it ${probable}; else move it away.`
          : 'Move it away, or into train/ if it is a class.'
      }`,
    );
  }
}

async function untaken(account: Account, start: Folder): Promise<number> {
  const open = [start];
  const seen = new Set<string>();
  let left = 0;
  for (let folder = open.pop(); folder; folder = open.pop()) {
    if (seen.has(folder.real) || account.taken.has(folder.real)) continue;
    seen.add(folder.real);
    for (const entry of await account.tree.list(folder.path)) {
      if (entry.is === 'folder') open.push(entry);
      else if (entry.is === 'dropping') setAside(account, entry);
      else if (entry.is !== 'file' || !account.taken.has(entry.real)) left++;
    }
  }
  return left;
}

/** Classes directly in the folder: none may be a split that lacks its train/. */
async function checkPlainClasses(
  { tree, problems, warnings }: Account,
  top: readonly Folder[],
  splits: readonly Folder[],
): Promise<void> {
  if (splits.length > 0)
    problems.push(
      `${listed(splits)} ${splits.length === 1 ? 'is' : 'are'} here, and no train/. Put the classes into train/; a class of that name goes into train/ too.`,
    );
  const inside = new Map<Folder, { readonly folders: ReadonlySet<string>; readonly hasFiles: boolean }>();
  for (const folder of top.slice(0, mostLookedInto)) {
    const entries = await tree.list(folder.path);
    inside.set(folder, {
      folders: new Set(entries.flatMap((entry) => (entry.is === 'folder' ? [entry.name] : []))),
      hasFiles: entries.some(({ is }) => is === 'file'),
    });
  }
  const holdsClasses = (folder: Folder) => {
    const { folders, hasFiles = false } = inside.get(folder) ?? {};
    return folders !== undefined && folders.size > 0 && !hasFiles;
  };
  const probable = top.filter((folder) => probableSplitOf(folder.name) !== null && holdsClasses(folder));
  for (const folder of probable)
    problems.push(
      `${folder.path}/ holds folders, as the ${probableSplitOf(folder.name)} set does: rename it ${probableSplitOf(folder.name)}. Folders that count are ${splitNamesShown}.`,
    );
  const [only] = top;
  if (top.length === 1 && only && holdsClasses(only))
    problems.push(
      `The only folder in it, ${only.path}/, holds folders: if these are the classes or train/, name ${only.path} in \`path\`.`,
    );
  const nested = top.filter(holdsClasses);
  const same = [...(inside.get(nested[0] as Folder)?.folders ?? [])].filter((name) =>
    nested.every((folder) => inside.get(folder)?.folders.has(name)),
  );
  if (probable.length === 0 && nested.length > 1 && nested.length === top.length && same.length > 1)
    warnings.push(
      `The classes ${listed(nested)} hold no image themselves, but folders of the same names (${same.slice(0, 5).join(', ')}). If these are the classes, \`path\` is a level too high.`,
    );
}

/** Folders that are looked into before they are read. */
const mostLookedInto = 1000;
const mostNamed = 8;

const listed = (folders: readonly { readonly path: string }[]) =>
  someOf(
    folders.map(({ path }) => `${path}/`),
    mostNamed,
  );

/** Gives the classes their labels, and says what is wrong with them. */
function assemble(
  { problems, rejected }: Account,
  found: Readonly<Partial<Record<SplitFolder, ClassFiles>>>,
  hasTrain: boolean,
): Pick<Scan, 'classes' | 'splits'> {
  const classes = sortByBytes([...(found.train?.keys() ?? [])], (name) => name);
  const label = new Map(classes.map((name, at) => [name, at]));
  const everyName = [...new Set(Object.values(found).flatMap((files) => [...files.keys()]))];
  const alike = lookAlikes(everyName);
  for (const names of alike)
    problems.push(
      `These classes look the same: ${names.slice(0, mostNamed).map(withCodePoints).join(', ')}. Rename all but one, or put their images into one folder.`,
    );
  const within = hasTrain ? 'train' : '';
  if (classes.length < 2)
    problems.push(
      `${hasTrain ? 'train/' : 'The folder'} has ${classes.length === 1 ? '1 class folder' : 'no class folder'}; at least 2 are needed, one for each class.`,
    );
  const ambiguous = new Set(alike.flat().map(likeness));
  const empty = classes.filter((name) => found.train?.get(name)?.length === 0).map((name) => join(within, name));
  const withRejected = new Set(rejected.flatMap(({ path }) => foldersAbove(path)));
  const lost = empty.filter((folder) => withRejected.has(folder)).length;
  if (empty.length > 0)
    problems.push(
      `${someOf(empty, mostNamed)} ${empty.length === 1 ? 'has' : 'have'} no image${lost > 0 ? ' that can be used' : ''}: put some in, or remove the ${empty.length === 1 ? 'folder' : 'folders'}.`,
    );
  for (const split of ['validation', 'test'] as const) {
    const unknown = [...(found[split]?.keys() ?? [])].filter(
      (name) => !label.has(name) && !ambiguous.has(likeness(name)),
    );
    if (unknown.length > 0)
      problems.push(`The ${split} set has classes that train/ lacks: ${someOf(unknown, mostNamed)}.`);
  }
  const splits = Object.fromEntries(
    Object.entries(found).map(([split, files]) => [
      split,
      classes.flatMap((name) =>
        sortByBytes(files.get(name) ?? [], ({ path }) => path).map((file) => ({
          ...file,
          label: label.get(name) ?? 0,
        })),
      ),
    ]),
  );
  return { classes, splits };
}

/** The folders that a path lies in, the nearest first. */
function foldersAbove(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.lastIndexOf(sep); at > 0; at = path.lastIndexOf(sep, at - 1)) folders.push(path.slice(0, at));
  return folders;
}
