import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { ContrailError, isContrailError } from '../contracts/errors.ts';
import { type Home, openHome } from '../home/home.ts';
import { dataConverterOf, listingConverter, payloadCodec, payloadKeys } from '../payloads/index.ts';
import { claimNamespace, ownerOfHome, ownerOfNamespace, requireNoCopy, requireSameStore } from '../worker/belonging.ts';
import { addressOf, type DevServer, recordedDevServer, uiAddress } from './dev-record.ts';
import { grpc } from './grpc.ts';
import { signerOf } from './locks.ts';
import { say } from './output.ts';
import { refusal } from './refused-connection.ts';
import { temporalSettings } from './temporal-settings.ts';
import { traceStarts } from './trace-starts.ts';

/** A client of the Temporal server that serves this home. */
export interface ServerClient {
  readonly client: Client;
  /** Lists workflows, also those that cannot be decrypted; reads nothing of what they hold. */
  readonly lister: Client;
  /** Decrypts what the client does not: heartbeats and failures of activities under way. */
  readonly codec: PayloadCodec;
  readonly connection: Connection;
  readonly address: string;
  readonly namespace: string;
  /** Where Temporal's UI shows a run; null where only the server's keeper knows. */
  readonly pageOf: (run: string) => string | null;
  readonly close: () => Promise<void>;
}

const connectTimeoutMs = 10_000;
const localAddress = '127.0.0.1:7233';
/** How long a home waits for its own server, and from when on it says so. */
const patienceMs = 20_000;
const quietMs = 1500;
const pollMs = 250;
const attemptMs = 10_000;
const graceMs = 300;

/** A Temporal server, and how to reach it. */
export interface Server {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'] & { readonly address: string };
  readonly namespace: string;
  /** What is known of it where `contrail dev` or `quickstart` runs it for this home. */
  readonly dev: DevServer | null;
  /** A user named it, this home runs it, or it is the one that may be at the usual place. */
  readonly origin: 'named' | 'own' | 'local';
}

/**
 * The server of a home: the one that TEMPORAL_ADDRESS names, else the one that `contrail dev` or `quickstart` runs for it, be it
 * slow or about to be started again, else one at the usual local address.
 *
 * @throws ContrailError Usage when the environment is wrong
 */
export async function serverOf(home: Home): Promise<Server> {
  const { connectionOptions, namespace, named } = temporalSettings();
  const { address } = connectionOptions;
  const dev = await devServerOf(home);
  if (address !== undefined && (named || !dev)) {
    const isOwn = dev !== null && address === addressOf(dev);
    return {
      connectionOptions: { ...connectionOptions, address },
      namespace,
      dev: isOwn ? dev : null,
      origin: isOwn ? 'own' : 'named',
    };
  }
  if (dev) return { ...ownServer(dev), namespace };
  return { connectionOptions: { address: localAddress }, namespace, dev: null, origin: 'local' };
}

/** A server that was started here, whatever the environment says of others. */
export const ownServer = (dev: Pick<DevServer, 'port' | 'uiPort'> & Partial<DevServer>): Server => ({
  connectionOptions: { address: addressOf(dev) },
  namespace: 'default',
  dev: { server: 0, worker: 0, keeper: 0, ...dev },
  origin: 'own',
});

/** The recorded server of the home; waits while somebody is just starting one. */
async function devServerOf(home: Home): Promise<DevServer | null> {
  for (const until = Date.now() + patienceMs; ; await delay(pollMs)) {
    const dev = recordedDevServer(home);
    const starter = dev ? 0 : signerOf(home.devLock);
    if (dev || starter === 0) return dev;
    if (Date.now() > until)
      throw new ContrailError(
        'ServerUnreachable',
        `Process ${starter} is starting a server for ${home.folder}, and it does not come up. Wait, or end that process.`,
      );
  }
}

/**
 * Connects to the Temporal server of a home, and makes sure that its namespace belongs to the store of that home: one that is
 * nobody's becomes its own.
 *
 * @param server by default the one that the environment and the home name
 * @throws ContrailError ServerUnreachable that says why; WrongServer when it serves another store
 */
export async function connect(home: Home = openHome(), server?: Server): Promise<ServerClient> {
  const chosen = server ?? (await serverOf(home));
  const opened = chosen.origin === 'own' ? await openOwn(home, chosen) : await openOther(home, chosen);
  try {
    await requireOurs(home, opened, chosen.origin);
    return opened;
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function requireOurs(home: Home, server: ServerClient, origin: Server['origin']): Promise<void> {
  const { client, address, namespace } = server;
  const where = `The namespace ${namespace} at ${address}`;
  const ours = await ownerOfHome(home);
  try {
    // A server that happens to listen at the usual place is not taken unasked.
    const found = origin === 'local' ? await ownerOfNamespace(client) : await claimNamespace(client, ours);
    if (found === null)
      throw new ContrailError(
        'ServerUnreachable',
        `No Temporal server runs for ${home.folder}. Start one with \`contrail dev\`. One that belongs to no store yet listens at ${address}; TEMPORAL_ADDRESS=${address} takes it.`,
      );
    requireSameStore(found, ours, where);
    if (origin !== 'own') await requireNoCopy(found, ours, where);
    if (origin === 'own' && found.home !== ours.home)
      throw new ContrailError(
        'WrongServer',
        `${where} belongs to the home ${found.home} (${found.homeAt}); this is the home ${ours.home} (${ours.homeAt}). Nothing was done. TEMPORAL_ADDRESS=${address} takes it all the same.`,
      );
  } catch (error) {
    if (isContrailError(error) && error.code === 'WrongServer' && origin === 'local')
      throw new ContrailError(
        'WrongServer',
        `No Temporal server runs for ${home.folder}. Start one with \`contrail dev\`, or name yours by TEMPORAL_ADDRESS. ${error.message}`,
        { cause: error },
      );
    if (isContrailError(error)) throw error;
    if (error instanceof Error && error.name === 'NamespaceNotFoundError') throw noNamespace(server, error);
    throw failure(error, address);
  }
}

/** Opens the own server, and waits for one that is slow or is being started again. */
async function openOwn(home: Home, first: Server): Promise<ServerClient> {
  const nameOf = (dev: DevServer | null) =>
    dev && (dev.server ? `process ${dev.server}, ${addressOf(dev)}` : `being started again by process ${dev.keeper}`);
  const notice = setTimeout(() => say(`Waiting for the server of this home (${nameOf(first.dev)})`), quietMs);
  try {
    const until = Date.now() + patienceMs;
    for (let server = first; ; ) {
      const opened = await open(server, Math.min(attemptMs, until - Date.now())).catch((error: unknown) => {
        if (isContrailError(error) && error.code === 'ServerUnreachable') return error;
        throw error;
      });
      if ('client' in opened) return opened;
      const dev = recordedDevServer(home);
      if (!dev || Date.now() + pollMs > until)
        throw new ContrailError(
          'ServerUnreachable',
          dev
            ? `The server of this home lives (${nameOf(dev)}), but does not answer. Nothing was done. Wait, or end it with \`kill ${dev.keeper || dev.server}\` and start \`contrail dev\` again.`
            : `The server of ${home.folder} has ended. Start one with \`contrail dev\`.`,
          { cause: opened },
        );
      server = { ...server, connectionOptions: { address: addressOf(dev) }, dev };
      await delay(pollMs);
    }
  } finally {
    clearTimeout(notice);
  }
}

/** Opens a server that was named, or one at the usual place. */
async function openOther(home: Home, server: Server): Promise<ServerClient> {
  try {
    return await open(server, connectTimeoutMs);
  } catch (cause) {
    if (server.origin !== 'local' || !isContrailError(cause)) throw cause;
    throw new ContrailError(
      'ServerUnreachable',
      `No Temporal server runs for ${home.folder}. Start one with \`contrail dev\`, or set TEMPORAL_ADDRESS to yours.`,
      { cause },
    );
  }
}

async function open({ connectionOptions, namespace, dev }: Server, timeoutMs: number): Promise<ServerClient> {
  const { address } = connectionOptions;
  const keys = payloadKeys();
  const ended = new AbortController();
  let connection: Connection | null = null;
  try {
    connection = Connection.lazy({ ...connectionOptions, connectTimeout: timeoutMs });
    const refused = refusal(connectionOptions, ended.signal);
    const connecting = connection.ensureConnected().then(() => null);
    // Where both fail, the attempt apart from gRPC says more.
    const why = await Promise.race([
      refused,
      connecting.catch(
        async (error: unknown) => (await Promise.race([refused, delay(graceMs, null)])) ?? failure(error, address),
      ),
    ]);
    if (why) throw why;
    const opened = connection;
    return {
      client: new Client({
        connection,
        namespace,
        dataConverter: dataConverterOf(keys),
        interceptors: { workflow: [traceStarts(keys, namespace)] },
      }),
      lister: new Client({ connection, namespace, dataConverter: listingConverter }),
      codec: payloadCodec(keys),
      connection,
      address,
      namespace,
      pageOf: (run) => dev && uiAddress(dev, run),
      close: () => opened.close(),
    };
  } catch (error) {
    await connection?.close().catch(() => {});
    throw failure(error, address);
  } finally {
    ended.abort();
  }
}

/** What to tell a user of a server that could not be asked. */
function failure(error: unknown, address: string): ContrailError {
  if (isContrailError(error)) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, details } = Object.assign({ code: 0, details: '' }, cause);
  if (code === grpc.unauthenticated || code === grpc.permissionDenied)
    return new ContrailError(
      'ServerUnreachable',
      `The Temporal server at ${address} refuses us: ${details.replace(/\.$/, '')}. TEMPORAL_API_KEY or the client certificate must be of one who may use the namespace that TEMPORAL_NAMESPACE names.`,
      { cause },
    );
  if (error instanceof TypeError) return new ContrailError('Usage', `TEMPORAL_ADDRESS: ${error.message}`, { cause });
  const reason = details || (cause instanceof Error ? cause.message : String(cause));
  return new ContrailError(
    'ServerUnreachable',
    `No Temporal server answers at ${address}: ${/deadline/i.test(reason) ? 'it is silent' : reason}. Start one with \`contrail dev\`, or set TEMPORAL_ADDRESS to yours.`,
    { cause },
  );
}

/** What to tell a user whose namespace the server does not have. */
const noNamespace = (
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
  } finally {
    await server.close();
  }
}
