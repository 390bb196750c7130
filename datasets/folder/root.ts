import { realpath, stat } from 'node:fs/promises';
import { ContrailError } from '../../contracts/errors.ts';
import { explained } from '../../contracts/system-errors.ts';
import { withRegularFile } from '../../store/index.ts';
import { lookedIn } from '../looked-in.ts';
import { formatOf } from './formats.ts';
import { layoutShown } from './layout.ts';
import { cannotRead } from './walk.ts';

/** Finds the folder that `path` names, links resolved.
 *
 * @param layout what it should hold, for the message
 * @throws ContrailError InvalidDataset that shows the layout */
export async function rootOf(path: string, layout = layoutShown): Promise<string> {
  const invalid = (what: string, cause?: unknown) =>
    new ContrailError('InvalidDataset', `${what}\n${layout}`, { cause });
  try {
    const root = await realpath(path);
    const found = await stat(root);
    if (found.isDirectory()) return root;
    if (!found.isFile()) throw invalid(`${path} is no folder.`);
    throw invalid(fileInstead(path, await headOf(root)));
  } catch (error) {
    const code = explained(error)?.code;
    if (code === 'InvalidDataset') throw error;
    if (code === 'FileMissing')
      throw invalid(`${path} does not exist on the worker's machine.${lookedIn(path)}`, error);
    if (code === 'NotAFolder')
      throw invalid(`${path} does not exist: it leads through a file.${lookedIn(path)}`, error);
    throw cannotRead(path, error);
  }
}

function fileInstead(path: string, head: Uint8Array): string {
  const format = formatOf(head);
  if (format.is === 'other' && format.archive)
    return `${path} ${format.what}, not a folder. Unpack it, and name the folder.`;
  if (/\.(csv|tsv|jsonl?|txt|xlsx?|parquet)$/i.test(path))
    return `${path} is a table, not a folder. It is read by \`dataset: table\`.`;
  return `${path} is a file, not a folder.`;
}

async function headOf(path: string): Promise<Uint8Array> {
  const head = await withRegularFile(path, 'followed', async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  });
  return head ?? new Uint8Array();
}
