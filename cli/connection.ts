import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { ContrailError } from '../contracts/errors.ts';

/** A client of the Temporal server that TEMPORAL_ADDRESS and its like name, or of a local one. */
export interface ServerClient {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly close: () => Promise<void>;
}

const connectTimeoutMs = 5000;

/**
 * Connects to the Temporal server.
 *
 * @throws ContrailError ServerUnreachable that says how to start one
 */
export async function connect(): Promise<ServerClient> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? '127.0.0.1:7233';
  try {
    const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: connectTimeoutMs });
    return { client: new Client({ connection, namespace }), address, namespace, close: () => connection.close() };
  } catch (cause) {
    throw new ContrailError(
      'ServerUnreachable',
      `No Temporal server answers at ${address}. Start one with \`contrail dev\`, or set TEMPORAL_ADDRESS to yours.`,
      { cause },
    );
  }
}

/** Connects, works, and closes the connection. */
export async function withServer<T>(work: (server: ServerClient) => Promise<T>): Promise<T> {
  const server = await connect();
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}
