import { once } from 'node:events';
import { connect as connectHttp2, constants, createSecureServer } from 'node:http2';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, type TlsOptions } from 'node:tls';

/** Stands before a server on loopback and passes bytes on. */
export interface Front {
  readonly port: number;
  /** How many connections came through: past TLS, where it speaks that. */
  readonly passed: () => number;
  /** What came in before anything was taken off, as latin1. */
  readonly received: () => string;
  readonly close: () => void;
}

const portOf = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

const join = (a: Socket, b: Socket) => {
  a.on('error', () => b.destroy()).pipe(b);
  b.on('error', () => a.destroy()).pipe(a);
};

/** A front that takes TLS off. Its raw bytes are looked at by a second server before it. */
export async function tlsFront(target: number, options: TlsOptions): Promise<Front> {
  let passed = 0;
  const tls = createTlsServer({ ALPNProtocols: ['h2'], ...options }, (socket) => {
    passed++;
    join(socket, connectTcp(target, '127.0.0.1'));
  }).on('tlsClientError', () => {});
  const raw = await plainFront(await portOf(tls));
  return {
    ...raw,
    passed: () => passed,
    close: () => {
      raw.close();
      tls.close();
    },
  };
}

/** A front that changes nothing. */
export async function plainFront(target: number): Promise<Front> {
  const received: Buffer[] = [];
  let passed = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    passed++;
    sockets.add(socket);
    socket.on('data', (data) => received.push(data));
    join(socket, connectTcp(target, '127.0.0.1'));
  });
  return {
    port: await portOf(server),
    passed: () => passed,
    received: () => Buffer.concat(received).toString('latin1'),
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A front that takes TLS off and lets only calls with this API key through, as Temporal Cloud does. */
export async function apiKeyFront(target: number, tls: SecureContextOptions, key: string): Promise<Front> {
  let passed = 0;
  const back = connectHttp2(`http://127.0.0.1:${target}`);
  const server = createSecureServer({ ...tls });
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers.authorization !== `Bearer ${key}`) {
      stream.respond(
        {
          ':status': 200,
          'content-type': 'application/grpc',
          'grpc-status': '16',
          'grpc-message': 'Request unauthorized.',
        },
        { endStream: true },
      );
      return;
    }
    passed++;
    const call = back.request({ ...headers, ':authority': `127.0.0.1:${target}`, ':scheme': 'http' });
    call.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
    call.on('response', (answer) => stream.respond(answer, { waitForTrailers: true }));
    let trailers = {};
    call.on('trailers', (given) => {
      trailers = given;
    });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.pipe(call).pipe(stream);
  });
  const raw = await plainFront(await portOf(server as unknown as Server));
  return {
    ...raw,
    passed: () => passed,
    close: () => {
      raw.close();
      back.destroy();
      server.close();
    },
  };
}
