import { createBudget } from './folder/budget.ts';
import { notAFile } from './folder/inspect.ts';
import { reasonOf } from './folder/walk.ts';
import type { Form } from './form.ts';
import { type Photo, readPhoto } from './photo.ts';
import { readRegular } from './read-file.ts';

/** Files in memory at a time, by their bytes. */
const budget = createBudget(192 * 2 ** 20);

/**
 * Brings an image file to a form, if it is still the one that was found.
 *
 * @param file.source SHA-256 that it had, in hexadecimal
 * @returns why it cannot be used, where it cannot
 */
export async function readPhotoFile(
  { path, bytes, source }: { readonly path: string; readonly bytes: number; readonly source: string },
  form: Form,
): Promise<Photo | { readonly rejected: string }> {
  return budget.spend(bytes, async () => {
    let content: Buffer | null;
    try {
      content = await readRegular(path);
    } catch (error) {
      return { rejected: reasonOf(error) };
    }
    if (!content) return { rejected: notAFile };
    const photo = await readPhoto(content, form);
    return 'rejected' in photo || Buffer.from(photo.source).toString('hex') === source
      ? photo
      : { rejected: 'changed while the images were embedded' };
  });
}
