import type { S3Client } from '@aws-sdk/client-s3';
import type { S3Address } from './address.ts';
import { createLimit } from './limit.ts';
import { retryStrategy } from './retries.ts';

type Sdk = typeof import('@aws-sdk/client-s3');

/** Requests under way at a time, of one store in one process. */
const requestsAtOnce = 24;
/** Parts of an upload have a limit of their own, beside. */
const sockets = 2 * requestsAtOnce;
const connectMs = 10_000;
/** How long a connection may be silent. */
const silentMs = 30_000;

/** The server of a store, once it is needed: the SDK takes a fifth of a second to load. */
export interface S3Connection {
  readonly sdk: Sdk;
  readonly client: S3Client;
  /** Has one request sent and its answer read, when its turn comes. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** The address of the server, for people; null before the first request. */
  readonly server: () => string | null;
}

/** Gives the connection to the server of an address. Endpoint, region and credentials are found as the AWS SDK does. */
export function connectS3({ pathStyle }: S3Address): () => Promise<S3Connection> {
  let made: Promise<S3Connection> | undefined;
  const make = async (): Promise<S3Connection> => {
    // Its version is pinned: which Node the next one needs is not for whoever runs a training.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({
      forcePathStyle: pathStyle,
      retryStrategy,
      // What is read is checked against the digest that was stored with it, and once more by whoever reads it.
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: connectMs,
        socketTimeout: silentMs,
        socketAcquisitionWarningTimeout: 2 ** 31 - 1,
        httpAgent: { keepAlive: true, maxSockets: sockets },
        httpsAgent: { keepAlive: true, maxSockets: sockets },
      },
    });
    let server: string | null = null;
    client.middlewareStack.add(
      (next) => (args) => {
        const { protocol, hostname, port } = args.request as Partial<Record<'protocol' | 'hostname', string>> & {
          port?: number;
        };
        server = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`;
        return next(args);
      },
      { step: 'finalizeRequest', name: 'contrailNotesServer' },
    );
    return { sdk, client, inTurn: createLimit(requestsAtOnce), server: () => server };
  };
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
