import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { ContrailError } from '../contracts/errors.ts';
import { hostAndPort, isLoopback } from './temporal-settings.ts';

type Options = ClientConnectConfig['connectionOptions'] & { readonly address: string };
type Failure = Error & { readonly code?: string; readonly reason?: string };

/** How HTTP/2 begins, with empty settings: a server that speaks it in clear answers. */
const http2Greeting = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const tlsAlert = 0x15;
const proxies = ['grpc_proxy', 'https_proxy', 'http_proxy'];
const ownServer = 'Start one with `contrail dev`, or set TEMPORAL_ADDRESS to yours.';

/** What is wrong where TLS or the network gives one of these codes, and what to do. */
const network: readonly (readonly [RegExp, (host: string) => string])[] = [
  [/^ECONNREFUSED$/, () => `nothing listens there. ${ownServer}`],
  [/^(ENOTFOUND|EAI_AGAIN)$/, (host) => `the name ${host} is not known. ${ownServer}`],
  [/^(EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EADDRNOTAVAIL)$/, (host) => `there is no way to ${host}. ${ownServer}`],
];
const tls: readonly (readonly [RegExp, string])[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE/,
    "the issuer of the server's certificate is unknown here. TEMPORAL_TLS_SERVER_CA_CERT_PATH names the file of its CA",
  ],
  [
    /ALTNAME_INVALID/,
    "the server's certificate is for another host name. Use that name in TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to it",
  ],
  [/CERT_HAS_EXPIRED/, "the server's certificate has expired. Its keeper must renew it"],
  [/CERT_NOT_YET_VALID/, "the server's certificate is not valid yet. Look at the clocks of both machines"],
  [
    /CERTIFICATE_REQUIRED|ALERT_HANDSHAKE_FAILURE/,
    'the server asks for a client certificate. Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
  ],
  [
    /CLIENT_CERTIFICATE_REFUSED|ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|DECRYPT_ERROR)|ALERT_NUMBER_(42|43|44|45|46|48|49)/,
    'the server refuses the client certificate. Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH to one that it knows',
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD|EPROTO/,
    'the server does not speak TLS. Unset TEMPORAL_API_KEY and what begins with TEMPORAL_TLS, which turn it on, or name the port for TLS',
  ],
  [/KEY_VALUES_MISMATCH/, 'client certificate and key do not belong together'],
  [/PEM|ASN1|OSSL|DECODER|INVALID/, 'a certificate or key cannot be read; they must be in PEM'],
];

/** The error of a server that wants TLS, asked in clear. */
const wantsTls = (address: string) =>
  new ContrailError(
    'ServerUnreachable',
    `The server at ${address} speaks TLS, and was asked in clear. Set TEMPORAL_TLS=true, and TEMPORAL_TLS_SERVER_CA_CERT_PATH to the file of its CA if that is your own.`,
  );

/**
 * Tries an address apart from gRPC, which keeps to itself why it does not connect and goes on trying.
 *
 * @param signal ends the attempt
 * @returns why there can be no connection; nothing, and never, where there is another reason or none
 */
export function refusal(options: Options, signal: AbortSignal): Promise<ContrailError> {
  return new Promise((resolve) => {
    const { address, tls } = options;
    const { host, port } = hostAndPort(address);
    // gRPC would go by it, and only gRPC knows whether it leads there.
    if (!isLoopback(address) && proxies.some((name) => process.env[name])) return;
    const watch = (socket: Socket) => {
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      return socket;
    };
    const say = (error: Failure) => resolve(explain(error, address, host));
    if (tls) {
      try {
        // What is wrong with a client's certificate is said after the handshake: it has to be read.
        const own = tlsOptions(tls, host);
        watch(connectTls({ host, port, ...own }))
          .on('error', say)
          .on('end', () => {
            // Some servers end the connection without a word.
            if (own.cert) say(Object.assign(new Error('nothing'), { code: 'CLIENT_CERTIFICATE_REFUSED' }));
          })
          .resume();
      } catch (error) {
        if (error instanceof Error) say(error);
      }
      return;
    }
    let answered = false;
    const socket = watch(connectTcp({ host, port }));
    socket.on('connect', () => socket.write(http2Greeting));
    socket.once('data', (data) => {
      answered = true;
      const text = data.toString('latin1');
      if (data[0] === tlsAlert || /HTTPS server/i.test(text)) resolve(wantsTls(address));
      else if (text.startsWith('HTTP/1'))
        resolve(
          new ContrailError('ServerUnreachable', `What answers at ${address} is no Temporal server. ${ownServer}`),
        );
    });
    socket.on('error', (error: Failure) => {
      if (network.some(([code]) => code.test(error.code ?? ''))) say(error);
    });
    socket.on('close', () => {
      // A server of TLS ends what is no TLS, most of them without a word.
      if (answered || signal.aborted) return;
      const asked = watch(connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }));
      asked.on('secureConnect', () => resolve(wantsTls(address)));
      asked.on('error', (error: Failure) => {
        if (/ALERT/.test(error.code ?? '')) resolve(wantsTls(address));
      });
    });
  });
}

function tlsOptions(tls: NonNullable<Options['tls']>, host: string): ConnectionOptions {
  const { serverNameOverride, serverRootCACertificate, clientCertPair } = tls === true ? {} : tls || {};
  const name = serverNameOverride ?? host;
  return {
    ALPNProtocols: ['h2'],
    ...(isIP(name) ? {} : { servername: name }),
    ...(serverRootCACertificate ? { ca: Buffer.from(serverRootCACertificate) } : {}),
    ...(clientCertPair ? { cert: Buffer.from(clientCertPair.crt), key: Buffer.from(clientCertPair.key) } : {}),
  };
}

function explain(cause: Failure, address: string, host: string): ContrailError {
  const code = cause.code ?? '';
  const said = network.find(([pattern]) => pattern.test(code))?.[1];
  if (said)
    return new ContrailError('ServerUnreachable', `No Temporal server answers at ${address}: ${said(host)}`, { cause });
  const words = tls.find(
    ([pattern]) => pattern.test(code) || pattern.test(cause.message.replaceAll(' ', '_').toUpperCase()),
  )?.[1];
  return new ContrailError(
    'ServerUnreachable',
    `No connection to ${address}: ${words ?? 'TLS fails'}. (TLS says: ${cause.reason ?? cause.message}${code ? `, ${code}` : ''})`,
    { cause },
  );
}
