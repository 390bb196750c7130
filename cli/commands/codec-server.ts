import { ContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../home/home.ts';
import { keysVariable, payloadKeys } from '../../payloads/index.ts';
import { startCodecServer } from '../codec-server.ts';
import { recordedDevServer } from '../dev-record.ts';
import { interruptSignal } from '../interrupt.ts';
import { listenError, tokenIn } from '../listening.ts';
import { say } from '../output.ts';

const tokenVariable = 'CONTRAIL_CODEC_TOKEN';
const loopback = '127.0.0.1';

export interface CodecServerCommandOptions {
  readonly port: number;
  readonly uiOrigin: readonly string[];
}

/** `contrail codec-server`: decrypts what Temporal's UI shows, until Ctrl-C. */
export async function codecServerCommand({ port, uiOrigin }: CodecServerCommandOptions): Promise<number> {
  const keys = payloadKeys();
  if (!keys)
    throw new ContrailError(
      'Usage',
      `${keysVariable} is not set, so there is nothing to decrypt with. Set it as the worker has it.`,
    );
  const origins = originsOf(uiOrigin);
  const token = tokenIn(tokenVariable);
  const signal = interruptSignal();
  const server = await startCodecServer({ keys, port, origins, token }).catch((error: unknown) => {
    throw listenError(error, { host: loopback, port }, { port: '--port' }) ?? error;
  });
  say(`Decrypts at http://${loopback}:${server.port} for pages of ${origins.join(' and ')}.`);
  say(
    `Temporal's UI asks for that address under the glasses at the top of its pages; \`temporal\` by --codec-endpoint.`,
  );
  if (token === null) say(`Every program on this machine may ask; ${tokenVariable} demands a token.`);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await server.close();
  return 0;
}

/** The origins that were named, or those of the UI that runs for this home. @throws ContrailError Usage */
function originsOf(named: readonly string[]): readonly string[] {
  if (named.length > 0) return named;
  const dev = recordedDevServer(openHome());
  if (!dev)
    throw new ContrailError(
      'Usage',
      "No server of this home runs, so the address of Temporal's UI is not known. Name it: --ui-origin https://temporal.example",
    );
  return ['127.0.0.1', 'localhost'].map((name) => `http://${name}:${dev.uiPort}`);
}
