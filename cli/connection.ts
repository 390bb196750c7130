import { Client, Connection } from '@temporalio/client';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { ContrailError } from '../contracts/errors.ts';
import { type Home, openHome } from '../worker/home.ts';
import { addressOf, type DevServer, findDevServer, recordedDevServer, uiAddress } from './dev-server.ts';

/** A client of the Temporal server that serves this home. */
export interface ServerClient {
  readonly client: Client;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  /** Where Temporal's UI shows a run; null where only the server's keeper knows. */
  readonly pageOf: (run: string) => string | null;
  readonly close: () => Promise<void>;
}

const connectTimeoutMs = 5000;
const localAddress = '127.0.0.1:7233';

/** A Temporal server, and how to reach it. */
export interface Server {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'] & { readonly address: string };
  readonly namespace: string;
  /** What is known of it where `contrail dev` or `quickstart` runs it for this home. */
  readonly dev: DevServer | null;
}

/** The server of a home: the one that TEMPORAL_ADDRESS names, else the one that `contrail dev` or `quickstart` runs for it, else a local one. */
export async function serverOf(home: Home): Promise<Server> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const named = connectionOptions.address;
  const dev = named === undefined ? await findDevServer(home) : await recordedDevServer(home);
  const devAddress = dev && addressOf(dev);
  const address = named ?? devAddress ?? localAddress;
  return { connectionOptions: { ...connectionOptions, address }, namespace, dev: address === devAddress ? dev : null };
}

/** A server that was started here, whatever the environment says of others. */
export const ownServer = (dev: DevServer): Server => ({
  connectionOptions: { address: addressOf(dev) },
  namespace: 'default',
  dev,
});

/**
 * Connects to the Temporal server.
 *
 * @param server by default the one of the home that the environment names
 * @throws ContrailError ServerUnreachable that says how to start one
 */
export async function connect(server?: Server): Promise<ServerClient> {
  const { connectionOptions, namespace, dev } = server ?? (await serverOf(openHome()));
  const { address } = connectionOptions;
  try {
    const connection = await Connection.connect({ ...connectionOptions, connectTimeout: connectTimeoutMs });
    return {
      client: new Client({ connection, namespace }),
      connection,
      address,
      namespace,
      pageOf: (run) => dev && uiAddress(dev, run),
      close: () => connection.close(),
    };
  } catch (cause) {
    throw new ContrailError(
      'ServerUnreachable',
      `No Temporal server answers at ${address}. Start one with \`contrail dev\`, or set TEMPORAL_ADDRESS to yours.`,
      { cause },
    );
  }
}

/** What to tell a user whose namespace the server does not have. */
export const noNamespace = (
  { address, namespace }: Pick<ServerClient, 'address' | 'namespace'>,
  cause: unknown,
): ContrailError =>
  new ContrailError(
    'Usage',
    `The Temporal server at ${address} has no namespace ${namespace}. TEMPORAL_NAMESPACE names one that it has.`,
    { cause },
  );

/** Connects, works, and closes the connection. */
export async function withServer<T>(work: (server: ServerClient) => Promise<T>): Promise<T> {
  const server = await connect();
  try {
    return await work(server);
  } catch (error) {
    if (error instanceof Error && error.name === 'NamespaceNotFoundError') throw noNamespace(server, error);
    throw error;
  } finally {
    await server.close();
  }
}
