import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../contracts/limits.ts';

/** Folders that only a pattern that names them looks into. */
const isPassedOver = (name: string) => name.startsWith('.') || name === 'node_modules' || name === '__pycache__';

/** Whether a path has a form that the pattern has: `*` and `?` within a name, `**` any folders. */
function matcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/');
  // At the end, `**` stands for what is in the folders, not for the folder itself.
  const form = parts.at(-1) === '**' ? [...parts, '*'] : parts;
  return (path) => hasForm(path.split('/'), form, '**', hasNameForm);
}

const hasNameForm = (name: string, form: string) =>
  hasForm(name.split(''), form.split(''), '*', (character, part) => part === '?' || part === character);

/**
 * Whether items are those of a form, one after the other, with any number of them at each `anyNumber`.
 *
 * Only the last `anyNumber` is ever extended: an earlier one that took more would leave less to those after it. So the cost is at
 * most items x parts, where a regular expression goes back to each.
 */
function hasForm(
  items: readonly string[],
  form: readonly string[],
  anyNumber: string,
  fits: (item: string, part: string) => boolean,
): boolean {
  let [item, part] = [0, 0];
  let last: { readonly part: number; readonly item: number } | null = null;
  while (item < items.length) {
    const wanted = form[part];
    if (wanted === anyNumber) {
      last = { part, item };
      part++;
    } else if (wanted !== undefined && fits(items[item] ?? '', wanted)) {
      item++;
      part++;
    } else if (last) {
      last = { part: last.part, item: last.item + 1 };
      item = last.item;
      part = last.part + 1;
    } else return false;
  }
  return form.slice(part).every((rest) => rest === anyNumber);
}

/** The part of a pattern before its first `*` or `?`, as a folder. */
const fixedFolder = (pattern: string): string => {
  const parts = pattern.split('/');
  const first = parts.findIndex((part) => /[*?]/.test(part));
  return parts.slice(0, first < 0 ? parts.length : first).join('/');
};

/**
 * The files in a folder whose paths have the pattern's form, sorted; links to files among them. A pattern that names a folder
 * stands for all that is in it.
 *
 * @throws RangeError when there is too much to look through
 */
export function filesLike(root: string, pattern: string): readonly string[] {
  const matches = matcher(pattern);
  const matchesBelow = matcher(`${pattern}/**`);
  const found: string[] = [];
  let seen = 0;
  const look = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (++seen > limits.sourceEntries) throw new RangeError(`more than ${limits.sourceEntries} files and folders`);
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isPassedOver(entry.name) && !pattern.split('/').includes(entry.name)) continue;
      if (entry.isDirectory()) look(path);
      else if (matches(path) || matchesBelow(path)) found.push(path);
    }
  };
  const start = fixedFolder(pattern);
  if (statSync(join(root, start), { throwIfNoEntry: false })?.isDirectory()) look(start);
  return found.sort();
}
