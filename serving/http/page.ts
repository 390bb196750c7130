import { readFileSync } from 'node:fs';

/** A file of the page, as the server hands it out. */
export interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly content: string;
}

const file = (path: string, name: string, type: string): PageFile => ({
  path,
  type: `${type}; charset=utf-8`,
  content: readFileSync(new URL(`page/${name}`, import.meta.url), 'utf8'),
});

/** The page on which people try a model. It has no secrets, so it needs no token; what it asks for does. */
export const pageFiles: readonly PageFile[] = [
  file('/', 'index.html', 'text/html'),
  file('/page.css', 'page.css', 'text/css'),
  file('/page.js', 'page.js', 'text/javascript'),
];
