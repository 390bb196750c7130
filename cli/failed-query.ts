import protobuf from 'protobufjs';
import { z } from 'zod';
import type { Failure } from './decoded-activity.ts';

const field = (name: string, id: number, type: string) => new protobuf.Field(name, id, type);

/** Of Temporal's messages, what says how a query failed (`google.rpc.Status`, `temporal.api.errordetails.v1`, `temporal.api.failure.v1`). */
const root = new protobuf.Root()
  .add(new protobuf.Type('Status').add(new protobuf.Field('details', 3, 'Any', 'repeated')))
  .add(new protobuf.Type('Any').add(field('typeUrl', 1, 'string')).add(field('value', 2, 'bytes')))
  .add(new protobuf.Type('QueryFailedFailure').add(field('failure', 1, 'Failure')))
  .add(new protobuf.Type('Failure').add(field('message', 1, 'string')).add(field('encodedAttributes', 20, 'Payload')))
  .add(
    new protobuf.Type('Payload')
      .add(new protobuf.MapField('metadata', 1, 'string', 'bytes'))
      .add(field('data', 2, 'bytes')),
  );

const statusSchema = z.object({
  details: z.array(z.object({ typeUrl: z.string(), value: z.instanceof(Uint8Array) })),
});
const payloadSchema = z.object({
  metadata: z.record(z.string(), z.instanceof(Uint8Array)).default({}),
  data: z.instanceof(Uint8Array).default(new Uint8Array()),
});
const failureSchema = z.object({
  message: z.string().default(''),
  encodedAttributes: payloadSchema.nullable().default(null),
});

/**
 * How a query failed on a worker, in the worker's own words, without their causes; null where an error does not say, as those of older servers.
 *
 * @param error of gRPC, as Temporal's service throws it
 */
export function failureOfQuery(error: unknown): Failure | null {
  const metadata = error instanceof Error && 'metadata' in error ? error.metadata : null;
  const [bytes] =
    metadata instanceof Object && 'get' in metadata && typeof metadata.get === 'function'
      ? metadata.get('grpc-status-details-bin')
      : [];
  if (!(bytes instanceof Uint8Array)) return null;
  try {
    const { details } = statusSchema.parse(read('Status', bytes));
    const own = details.find(({ typeUrl }) => typeUrl.endsWith('.QueryFailedFailure'));
    return own ? z.object({ failure: failureSchema }).parse(read('QueryFailedFailure', own.value)).failure : null;
  } catch {
    return null;
  }
}

function read(type: string, bytes: Uint8Array): unknown {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { arrays: true });
}
