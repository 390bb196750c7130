import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { parseJsonWithin, TooDeep } from '../contracts/json-within.ts';
import { formatBytes, limits } from '../contracts/limits.ts';
import { hasCode } from '../contracts/system-errors.ts';
import { isMissing, withRegularFile } from '../store/index.ts';
import type { Secrets } from './secrets.ts';

const wrong = (what: string, cause?: unknown) =>
  new ContrailError('InvalidResult', `The result that the program wrote to CONTRAIL_RESULT ${what}.`, { cause });

/**
 * Reads the result that a program wrote; empty where it wrote none.
 *
 * @throws ContrailError InvalidResult where it is too large, no JSON, no object, or holds a secret or a number that would be rounded
 */
export async function readResult(file: string, secrets: Secrets): Promise<{ readonly [name: string]: Json }> {
  const text = await readBounded(file);
  if (text === null) return {};
  // It goes into the history of the run, which many may read.
  if (secrets.isIn(text)) throw wrong('holds the value of a variable of passEnv');
  const rounded = roundedNumber(text);
  if (rounded) throw wrong(`holds the number ${rounded.slice(0, 40)}, which would be rounded; write it as text`);
  try {
    const parsed = z.record(z.string(), z.json()).safeParse(parseJsonWithin(text));
    if (parsed.success) return parsed.data as { readonly [name: string]: Json };
  } catch (cause) {
    const why = cause instanceof TooDeep ? 'is nested too deep' : `is not JSON: ${(cause as Error).message}`;
    throw wrong(why, cause);
  }
  throw wrong('must be a JSON object, such as {"rows": 100}, of numbers that JSON can hold');
}

/** A whole number in JSON that a float64 cannot hold: parsed, it would be another. */
function roundedNumber(text: string): string | undefined {
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g))
    if (/^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token))) return token;
  return undefined;
}

/** The text of a file that a program wrote; null where there is none. @throws ContrailError InvalidResult where it is too large or no file */
export async function readBounded(path: string): Promise<string | null> {
  try {
    const text = await withRegularFile(path, 'refused', async (file, { size }) => {
      if (size > limits.programResultBytes)
        throw wrong(
          `has ${formatBytes(size)}; at most ${formatBytes(limits.programResultBytes)} are allowed. Write more to an output`,
        );
      return file.readFile('utf8');
    });
    if (text === null) throw wrong('must be a file');
    return text;
  } catch (error) {
    if (isMissing(error)) return null;
    if (hasCode(error, 'ELOOP')) throw wrong('must be a file, not a link', error);
    throw error;
  }
}
