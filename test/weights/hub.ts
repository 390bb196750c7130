import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server was asked: the path, and the headers that matter. */
export interface Asked {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A server of one's own on this machine. */
export interface TestServer {
  readonly origin: string;
  readonly asked: Asked[];
  readonly close: () => void;
}

export async function startServer(answer: Answer): Promise<TestServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const { authorization, range } = request.headers;
    asked.push({ path: request.url ?? '', authorization, range });
    answer(response, request);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Sends a file, or its rest where that is asked for, as a store of files does. */
export function sendFile(
  content: Uint8Array,
  response: ServerResponse,
  { headers }: IncomingMessage,
  cutAfter?: number,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  if (from > 0 && from >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    return;
  }
  const rest = content.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': rest.length,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
  });
  if (cutAfter === undefined || cutAfter >= rest.length) response.end(rest);
  else response.write(rest.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 50));
}

export const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
