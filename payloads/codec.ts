import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { ContrailError } from '../contracts/errors.ts';
import { keysVariable, type PayloadKeys } from './keys.ts';
import { isReadable, type KnownPlace, type Place, placeFromText, placeOf, placeText, placeToText } from './place.ts';
import { seal, unseal } from './seal.ts';
import { payloadFromBytes, payloadToBytes } from './wire.ts';

/** Temporal's word for what is encrypted; its samples and its UI use it. */
const encrypted = 'binary/encrypted';
const keyIdName = 'encryption-key-id';
const placeName = 'contrail-place';

const utf8 = (bytes: Uint8Array | undefined) => (bytes ? Buffer.from(bytes).toString('utf8') : '');

/** Whether a payload is one of ours, encrypted. */
export const isEncrypted = ({ metadata }: Payload): boolean => utf8(metadata?.encoding) === encrypted;

/** The id of the key that encrypted a payload; empty where none did. */
export const keyIdOf = ({ metadata }: Payload): string => utf8(metadata?.[keyIdName]);

/**
 * What stands between Temporal and everything that is sent to it or read from it.
 *
 * With keys: all that is sent is encrypted by the current key, for the place where it belongs; nothing is read that was not encrypted
 * by one of the keys for that place. Without keys: all is sent as it is, and nothing that is encrypted is read.
 *
 * @returns a codec that throws ContrailError PayloadsUnreadable
 */
export const payloadCodec = (keys: PayloadKeys | null): PayloadCodec => ({
  encode: async (payloads, context) =>
    keys === null ? payloads : payloads.map((payload) => encode(keys, payload, placeOf(context))),
  decode: async (payloads, context) => payloads.map((payload) => decode(keys, payload, context)),
});

/** The codec of who lists workflows, and reads nothing of theirs: whatever a payload holds, it gives nothing. */
export const unreadCodec: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads.map(() => ({ metadata: { encoding: Buffer.from('binary/null') } })),
};

/** The key and the place are authenticated as they are written. */
const besideOf = (keyId: string, place: string) => Buffer.from(JSON.stringify(['contrail-payload/1', keyId, place]));

function encode({ current, byId }: PayloadKeys, payload: Payload, at: Place): Payload {
  const key = byId.get(current);
  if (!key) throw new Error('keys without the current one');
  const place = placeToText(at);
  return {
    metadata: {
      encoding: Buffer.from(encrypted),
      [keyIdName]: Buffer.from(current),
      [placeName]: Buffer.from(place),
    },
    data: seal(key, payloadToBytes(payload), besideOf(current, place)),
  };
}

function decode(keys: PayloadKeys | null, payload: Payload, context: SerializationContext | undefined): Payload {
  const of = context ? ` of ${placeText(placeOf(context))}` : '';
  if (!isEncrypted(payload)) {
    if (keys === null) return payload;
    throw unreadable(
      `What Temporal holds${of} is not encrypted, and ${keysVariable} is set, so it is not read. A namespace is encrypted from its first use on, or not at all: unset ${keysVariable}, or use a new namespace. docs/security.md says how.`,
    );
  }
  return decodeEncrypted(keys, payload, placeOf(context));
}

/**
 * What an encrypted payload holds.
 *
 * @param expected where it was found, or the namespace alone; null where that is not known
 * @throws ContrailError PayloadsUnreadable
 */
export function decodeEncrypted(
  keys: PayloadKeys | null,
  { metadata, data }: Payload,
  expected: KnownPlace | null,
): Payload {
  const of = expected && expected.namespace !== '' ? ` of ${placeText(expected)}` : '';
  const id = utf8(metadata?.[keyIdName]);
  // Whoever writes to Temporal may have written anything there.
  const named = /^[\w.-]{1,32}$/.test(id) ? `the key ${id}` : 'a key without a name';
  const key = keys?.byId.get(id);
  if (!keys || !key)
    throw unreadable(
      keys
        ? `What Temporal holds${of} is encrypted with ${named}, and ${keysVariable} has ${[...keys.byId.keys()].join(', ')}. Add that key behind the first.`
        : `What Temporal holds${of} is encrypted with ${named}, and ${keysVariable} is not set. Set it to ${named === `the key ${id}` ? id : 'id'}:<the key in base64>, as it is on the machine that wrote this.`,
    );
  const place = utf8(metadata?.[placeName]);
  const opened = unseal(key, data ?? Buffer.alloc(0), besideOf(id, place));
  if (!opened)
    throw unreadable(
      `What Temporal holds${of} does not decrypt with the key ${id}: either ${keysVariable} has another key under that id, or it was changed since it was written.`,
    );
  const written = placeFromText(place);
  if (expected && (!written || !isReadable(written, expected)))
    throw unreadable(
      `What Temporal holds${of} was encrypted for ${written ? placeText(written) : 'another place'}: it was moved by somebody who can write to Temporal.`,
    );
  try {
    return payloadFromBytes(opened);
  } catch (cause) {
    throw unreadable(
      `What Temporal holds${of} was encrypted with the key ${id}, and holds no payload of Temporal's: another program has that key.`,
      cause,
    );
  }
}

const unreadable = (message: string, cause?: unknown) => new ContrailError('PayloadsUnreadable', message, { cause });
