import { isAbsolute, normalize, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type UrlNames, unnumbered } from './url-names.ts';

/** Where an image is. */
export type ImageSource = { readonly is: 'file' } | { readonly is: 'url'; readonly url: string };

export type ImageCell =
  | { readonly name: string; readonly source: ImageSource }
  | { readonly name: string; readonly reason: string };

const longestName = 200;

/**
 * What a cell of a table names: a file below the folder of the table, or a URL.
 *
 * @param text a path or a URL
 * @param root the folder of the table
 * @param of.urls what URLs are called
 * @returns `name`: the path from the folder, or the URL without what may be secret in it
 */
export function imageOfCell(
  text: string,
  root: string,
  { allowUrls, urls = unnumbered }: { readonly allowUrls: boolean; readonly urls?: UrlNames },
): ImageCell {
  if (text === '') return { name: '', reason: 'names no image' };
  // A single letter is a drive of Windows.
  const scheme = schemeOf(text);
  if (scheme === undefined) return fileOf(text, text, root);
  if (scheme === 'file') return fileOfUrl(text, root);
  const name = shortened(text.replace(/[?#].*$/s, '').replace(/\/\/[^/]*@/, '//'));
  if (scheme !== 'http' && scheme !== 'https')
    return { name, reason: `is a URL of a kind that is not read: file:, http: and https: are (${scheme}:)` };
  if (!URL.canParse(text)) return { name, reason: 'is no valid URL' };
  const url = new URL(text);
  const shown = urls.nameOf(url);
  if (!allowUrls) return { name: shown, reason: 'is a URL, and `allowUrls` is not set' };
  if (url.username !== '' || url.password !== '')
    return { name: shown, reason: 'is a URL with a user name or a password, which are not sent' };
  url.hash = '';
  return { name: shown, source: { is: 'url', url: url.href } };
}

/** The URL that a cell holds; null for a path, or a URL of another kind. */
export const urlOfCell = (text: string): URL | null =>
  /^https?$/.test(schemeOf(text) ?? '') && URL.canParse(text) ? new URL(text) : null;

const schemeOf = (text: string): string | undefined => /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase();

function fileOfUrl(text: string, root: string): ImageCell {
  try {
    return fileOf(fileURLToPath(new URL(text)), text, root);
  } catch {
    return { name: shortened(text), reason: 'is no URL of a file on this machine' };
  }
}

function fileOf(path: string, text: string, root: string): ImageCell {
  const name = isAbsolute(path) ? relative(root, normalize(path)) : normalize(path);
  if (name === '..' || name.startsWith(`..${sep}`) || isAbsolute(name))
    return { name: shortened(text), reason: 'leads out of the folder of the table' };
  return { name, source: { is: 'file' } };
}

const shortened = (text: string) => (text.length > longestName ? `${text.slice(0, longestName)}…` : text);
