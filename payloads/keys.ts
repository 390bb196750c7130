import { createSecretKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { ContrailError } from '../contracts/errors.ts';

/** What names the keys: `id:base64,id:base64`, the first of which encrypts. */
export const keysVariable = 'CONTRAIL_PAYLOAD_KEYS';

const keyBytes = 32;
const mostKeys = 16;
const howToMake = `${keysVariable}="2026-11:$(openssl rand -base64 32)"`;

/** The keys of what Temporal holds. */
export interface PayloadKeys {
  /** The id of the key that encrypts. */
  readonly current: string;
  /** Every key by its id; all decrypt. A KeyObject shows nothing of the key when it is printed. */
  readonly byId: ReadonlyMap<string, KeyObject>;
}

const entrySchema = z
  .string()
  .regex(/^[^:]*:[^:]*$/, 'is not id:key')
  .transform((text) => text.split(':') as [string, string])
  .pipe(
    z.tuple([
      z
        .string()
        .regex(
          /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/,
          'has an id that is not 1 to 32 letters, digits, dots, dashes and underscores',
        ),
      // Half a block of base64 would decode as well, to another key than was meant.
      z
        .base64('has a key that is not base64')
        .transform((text) => Buffer.from(text, 'base64'))
        .refine(({ length }) => length === keyBytes, `has a key that is not ${keyBytes} bytes in base64`),
    ]),
  );

/**
 * The keys that the environment names; null where it names none, so that nothing is encrypted.
 *
 * @throws ContrailError Usage for anything else, a name that is nearly right included; it quotes no part of a key
 */
export function payloadKeys(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): PayloadKeys | null {
  for (const name of Object.keys(environment))
    if (/^CONTRAIL_PAYLOAD/i.test(name) && name !== keysVariable)
      throw usage(`There is no variable ${name}, so nothing would be encrypted. Did you mean ${keysVariable}?`);
  const text = environment[keysVariable];
  if (text === undefined) return null;
  if (text.trim() === '') throw usage(`${keysVariable} is empty. Unset it, or set it: ${howToMake}.`);
  const entries = text.split(',').map((entry, at) => {
    const parsed = entrySchema.safeParse(entry.trim());
    if (parsed.success) return parsed.data;
    // What stands before the colon may be a key, too.
    const [issue] = parsed.error.issues;
    throw usage(`Entry ${at + 1} of ${keysVariable} ${issue?.message}. One is made so: ${howToMake}.`);
  });
  if (entries.length > mostKeys) throw usage(`${keysVariable} has ${entries.length} keys; ${mostKeys} is the most.`);
  const twice = entries.find(([id, key], at) =>
    entries.some(([other, same], i) => i < at && (other === id || same.equals(key))),
  );
  if (twice) throw usage(`${keysVariable} has an id or a key twice: see ${twice[0]}. Each key has an id of its own.`);
  const [first] = entries;
  return {
    current: first?.[0] ?? '',
    byId: new Map(entries.map(([id, key]) => [id, createSecretKey(key)])),
  };
}

const usage = (message: string) => new ContrailError('Usage', message);
