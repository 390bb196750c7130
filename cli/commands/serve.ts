import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ContrailError } from '../../contracts/errors.ts';
import { explained } from '../../contracts/system-errors.ts';
import { openHome } from '../../home/home.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { trainerEnvironment } from '../../native/paths.ts';
import { isLoopback, serveModel } from '../../serving/http/index.ts';
import { openStore } from '../../store/index.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { authorityOf, listenError, tokenIn } from '../listening.ts';
import { namedModel } from '../named-model.ts';
import { say } from '../output.ts';
import { trainingIndex } from '../training-index.ts';

export interface ServeCommandOptions {
  readonly model?: string;
  readonly step?: string;
  readonly port: number;
  readonly host: string;
  readonly allowHost: readonly string[];
  readonly trustProxy: readonly string[];
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly trainingIndex: boolean;
  readonly queue: number;
  readonly batch: number;
  readonly batchWait: number;
  readonly timeout: number;
  readonly drain: number;
}

const tokenVariable = 'CONTRAIL_SERVE_TOKEN';

/** `contrail serve`: answers requests until Ctrl-C or SIGTERM, then lets those in work finish. */
export async function serveCommand(run: string | undefined, options: ServeCommandOptions): Promise<number> {
  const { model, step, port, host, allowHost } = options;
  const named = namedModel({ run, model, step }, 'Name what to serve');
  const token = tokenFor(host);
  const tls = await readTls(options);
  if (!isLoopback(host) && !tls)
    say(
      `Without --tls-cert and --tls-key the token and every photo cross the network readable. A camera in a browser needs TLS, too.`,
    );
  const { storeUrl } = openHome();
  await requireTensorFlow();
  const signal = interruptSignal();
  say('Opening the model …');
  const store = openStore(storeUrl);
  const serving = await serveModel({
    ...{ port, host, token, tls, storeUrl, store, named },
    indexOfTraining: (used, process, own) =>
      trainingIndex({ store, used, process, signal: own ? AbortSignal.any([signal, own]) : signal }),
    usesTrainingImages: options.trainingIndex,
    allowedHosts: allowHost,
    trustedProxies: options.trustProxy,
    environment: trainerEnvironment(),
    limits: {
      queue: options.queue,
      batch: options.batch,
      batchWaitMs: options.batchWait,
      timeoutMs: options.timeout * 1000,
      drainMs: options.drain * 1000,
    },
    log: (line) => say(`${new Date().toISOString()} ${line}`),
  }).catch((error: unknown) => {
    if (signal.aborted) return null;
    throw listenError(error, { host, port }, { host: '--host', port: '--port' }) ?? error;
  });
  if (!serving) {
    say('Stopped before it answered.');
    return interruptedCode;
  }
  const { version, name } = serving.used;
  const url = `${tls ? 'https' : 'http'}://${authorityOf(host, serving.port)}`;
  say(`${version === null ? `The run ${name}` : `The model ${name}, version ${version},`} answers at ${url}`);
  if (token !== null) say(`Requests need the token of ${tokenVariable}.`);
  say('Ctrl-C stops it, once the requests in work are answered.');
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  say('Stopping: no new connections; requests in work finish.');
  await serving.close();
  return 0;
}

/** @throws ContrailError Usage for a token that anybody could guess, and for none off this machine */
function tokenFor(host: string): string | null {
  const token = tokenIn(tokenVariable);
  if (token === null && !isLoopback(host))
    throw new ContrailError(
      'Usage',
      `${host} can be reached from other machines, so a token is needed. Set ${tokenVariable}, to the output of \`openssl rand -hex 32\` say, or leave --host out.`,
    );
  return token;
}

async function readTls({ tlsCert, tlsKey }: ServeCommandOptions): Promise<{ cert: Buffer; key: Buffer } | null> {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ContrailError('Usage', '--tls-cert and --tls-key go together.');
  const read = (option: string, path: string) =>
    readFile(path).catch((cause: unknown) => {
      throw new ContrailError('Usage', `The file of ${option} cannot be read: ${explained(cause)?.message ?? path}`, {
        cause,
      });
    });
  const tls = { cert: await read('--tls-cert', tlsCert), key: await read('--tls-key', tlsKey) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new ContrailError(
      'Usage',
      `--tls-cert and --tls-key cannot be used together: ${(cause as Error).message}. They must be a certificate and its key in PEM.`,
      { cause },
    );
  }
  return tls;
}
