import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ContrailError } from '../contracts/errors.ts';
import type { ReportFiles } from '../report/index.ts';
import { openStore } from '../store/index.ts';

export interface PageOptions {
  readonly open: boolean;
  readonly to?: string;
  readonly replace: boolean;
  readonly json: boolean;
}

/**
 * Writes into a folder of the user's as into a store, each file whole or not at all; gives where the page is.
 *
 * @throws ContrailError Usage where a file is there with other content, unless it may be replaced
 */
export async function writeFolder(
  to: string,
  files: ReportFiles,
  { page = 'report.html', replace }: { readonly page?: string; readonly replace: boolean },
): Promise<string> {
  if (to === '') throw new ContrailError('Usage', 'The folder of --to has no name.');
  const folder = openStore(resolve(to));
  if (!replace)
    for (const [name, content] of files)
      if ((await folder.exists(name)) && !Buffer.from(await folder.read(name)).equals(Buffer.from(content)))
        throw new ContrailError(
          'Usage',
          `${folder.locate(name)} is there already. Name a folder that does not have it, or say --replace.`,
        );
  for (const [name, content] of [...files].reverse()) await folder.write(name, content);
  return folder.locate(page);
}

/** Shows a page in the browser. */
export async function openPage(page: string): Promise<void> {
  const { default: openInBrowser } = await import('open');
  const browser = await openInBrowser(pathToFileURL(page).href);
  browser.unref();
}
