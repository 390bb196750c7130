import type { Payload } from '@temporalio/common';
import protobuf from 'protobufjs';
import { z } from 'zod';

/** Temporal's message `temporal.api.common.v1.Payload`, as far as the SDK's converters fill it. */
const message = new protobuf.Type('Payload')
  .add(new protobuf.MapField('metadata', 1, 'string', 'bytes'))
  .add(new protobuf.Field('data', 2, 'bytes'));

const decodedSchema = z.object({
  metadata: z.record(z.string(), z.instanceof(Uint8Array)),
  data: z.instanceof(Uint8Array),
});

/** The bytes of a payload. */
export const payloadToBytes = ({ metadata, data }: Payload): Uint8Array =>
  message.encode({ metadata: metadata ?? {}, data: data ?? new Uint8Array() }).finish();

/** What `payloadToBytes` gave. @throws Error, or RangeError, for anything else */
export const payloadFromBytes = (bytes: Uint8Array): Payload =>
  decodedSchema.parse(message.toObject(message.decode(bytes), { defaults: true }));
