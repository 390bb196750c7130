import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReportFiles } from '../report/index.ts';
import { openStore } from '../store/index.ts';

export interface PageOptions {
  readonly open: boolean;
  readonly to?: string;
  readonly json: boolean;
}

/** Writes into a folder of the user's as into a store, each file whole or not at all; gives where the page is. */
export async function writeFolder(to: string, files: ReportFiles, page = 'report.html'): Promise<string> {
  const folder = openStore(resolve(to));
  for (const [name, content] of [...files].reverse()) await folder.write(name, content);
  return folder.locate(page);
}

/** Shows a page in the browser. */
export async function openPage(page: string): Promise<void> {
  const { default: openInBrowser } = await import('open');
  const browser = await openInBrowser(pathToFileURL(page).href);
  browser.unref();
}
