import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { limits } from '../contracts/limits.ts';

/** Folders that only a pattern that names them looks into. */
const isPassedOver = (name: string) => name.startsWith('.') || name === 'node_modules' || name === '__pycache__';

/** Whether a path has a form that the pattern has: `*` and `?` within a name, `**` any folders. */
export function matcher(pattern: string): (path: string) => boolean {
  const parts = pattern.split('/').map((part) =>
    part === '**'
      ? '**'
      : part
          .split(/([*?])/)
          .map((piece) => (piece === '*' ? '[^/]*' : piece === '?' ? '[^/]' : escapeText(piece)))
          .join(''),
  );
  const text = parts
    .map((part, index) => {
      const isLast = index === parts.length - 1;
      if (part === '**') return isLast ? '.*' : '(?:[^/]+/)*';
      return isLast ? part : `${part}/`;
    })
    .join('');
  const expression = new RegExp(`^${text}$`, 's');
  return (path) => expression.test(path);
}

const escapeText = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

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
