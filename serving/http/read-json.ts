import { mostImagesInRequest } from '../../contracts/serving.ts';
import { HttpError } from './http-error.ts';

const [brace, bracket, comma] = ['{', '[', ','].map((each) => each.charCodeAt(0)) as [number, number, number];
/** Of each `{` and `[` in the one form that is read, with room for a mistake that is then explained. */
const mostOpening = 4;

/**
 * Parses the JSON of a request. Its one form, `{"images": ["<base64>", …]}`, has a brace, a bracket, and a comma between two images;
 * what has far more is refused before it is parsed, which takes many seconds and gigabytes for megabytes of brackets or keys.
 *
 * @throws HttpError BadRequest
 */
export function readJson(body: Buffer): unknown {
  if (has(body, brace, mostOpening) || has(body, bracket, mostOpening) || has(body, comma, 2 * mostImagesInRequest))
    throw new HttpError(
      'BadRequest',
      `The body must be JSON such as {"images": ["<base64>"]}, with up to ${mostImagesInRequest} images.`,
    );
  try {
    return JSON.parse(body.toString('utf8'), (key, value: unknown) => {
      // A key that would reach into every object is none of the form's.
      if (key === '__proto__') throw new HttpError('BadRequest', unknownField(key));
      return value;
    });
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError('BadRequest', 'The body is no JSON.');
  }
}

/** What is said of a field that the form does not have. */
export const unknownField = (name: string): string => `There is no field "${name}": the JSON has images alone.`;

/** Whether a byte occurs more than so many times. */
function has(body: Buffer, byte: number, most: number): boolean {
  let found = 0;
  for (let at = body.indexOf(byte); at >= 0; at = body.indexOf(byte, at + 1)) if (++found > most) return true;
  return false;
}
