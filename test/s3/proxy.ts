import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to a request on its way; `null` lets it pass. */
export type Fault =
  | null
  /** It is answered on the way, and never arrives. */
  | { readonly answer: number; readonly code?: string; readonly text?: string }
  /** It arrives and is done, and its answer is lost. */
  | 'lost-answer'
  /** The connection ends before it arrives. */
  | 'refused'
  /** Its answer breaks off after so many bytes. */
  | { readonly cutAfter: number }
  /** Each piece of its answer is held so long. */
  | { readonly slowMs: number }
  /** What it carries breaks off after so many bytes, on its way to the server. */
  | { readonly cutBodyAfter: number }
  /** Each piece of what it carries is held so long. */
  | { readonly slowBodyMs: number }
  /** A header does not arrive. */
  | { readonly without: string }
  /** The first byte of its answer is another one. */
  | 'spoilt'
  /** It arrives twice, and the second answer is what it is answered with. */
  | 'twice'
  /** It is answered as the same request was before, if there was one. */
  | 'as-before'
  /** What it is answered with, where the server answers with something else. */
  | { readonly replace: (body: string) => string };

export interface PassingRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** Stands before a server, and does to its requests what `decide` says. */
export interface BadNetwork {
  readonly endpoint: string;
  decide: (request: PassingRequest) => Fault;
  /** Every request so far, also those that did not arrive, as `PUT /bucket/key`. */
  readonly seen: string[];
  /** Bytes of bodies so far: those that clients sent, and those that they were answered with. */
  readonly carried: { up: number; down: number };
  readonly stop: () => Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly content: Buffer;
}

/** Listings that are remembered, for a network that answers as before. */
const mostListings = 1000;

export async function startProxy(port: number): Promise<BadNetwork> {
  const seen: string[] = [];
  const listings = new Map<string, Answer>();
  const server = createServer((incoming, answer) => {
    const passing = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers };
    seen.push(`${passing.method} ${passing.url}`);
    void forward(incoming, answer, proxy.decide(passing), { port, listings, carried: proxy.carried }).catch(() =>
      answer.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: BadNetwork = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    decide: () => null,
    seen,
    carried: { up: 0, down: 0 },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

async function forward(
  incoming: IncomingMessage,
  answer: ServerResponse,
  fault: Fault,
  {
    port,
    listings,
    carried,
  }: { readonly port: number; readonly listings: Map<string, Answer> } & Pick<BadNetwork, 'carried'>,
): Promise<void> {
  const body = await bodyOf(incoming, fault);
  carried.up += body.length;
  if (fault === 'refused') return void answer.destroy();
  if (typeof fault === 'object' && fault && 'answer' in fault) {
    const { code = 'InternalError', text } = fault;
    const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>made up by a test</Message></Error>`;
    answer.writeHead(fault.answer, { 'content-type': text === undefined ? 'application/xml' : 'text/html' });
    return void answer.end(text ?? xml);
  }
  const headers = { ...incoming.headers };
  if (typeof fault === 'object' && fault && 'without' in fault) delete headers[fault.without];
  const { method, url } = incoming;
  const toServer = { host: '127.0.0.1', port, method, path: url, headers };
  if (typeof fault === 'object' && fault && 'cutBodyAfter' in fault) {
    const out = request(toServer).on('error', () => {});
    out.write(body.subarray(0, fault.cutBodyAfter), () => out.destroy());
    return void answer.destroy();
  }
  const ask = async (): Promise<Answer> => {
    const arrived = await new Promise<IncomingMessage>((resolve, reject) => {
      const out = request(toServer, resolve);
      out.on('error', reject);
      out.end(body);
    });
    const content = Buffer.concat(await arrived.toArray());
    return { status: arrived.statusCode ?? 500, headers: arrived.headers, content };
  };
  const before = fault === 'as-before' ? listings.get(url ?? '') : undefined;
  if (fault === 'twice') await ask();
  const arrived = before ?? (await ask());
  if (method === 'GET' && url?.includes('list-type') && listings.size < mostListings) listings.set(url, arrived);
  let { content } = arrived;
  if (fault === 'lost-answer') return void answer.destroy();
  if (fault === 'spoilt' && content.length > 0) {
    content = Buffer.from(content);
    content[0] = (content[0] ?? 0) ^ 1;
  }
  const sent = { ...arrived.headers };
  if (typeof fault === 'object' && fault && 'replace' in fault) {
    content = Buffer.from(fault.replace(content.toString()));
    sent['content-length'] = String(content.length);
  }
  answer.writeHead(arrived.status, sent);
  if (typeof fault === 'object' && fault && 'cutAfter' in fault && content.length > fault.cutAfter) {
    answer.write(content.subarray(0, fault.cutAfter), () => answer.destroy());
    return;
  }
  if (typeof fault === 'object' && fault && 'slowMs' in fault) {
    const piece = Math.max(1, Math.ceil(content.length / 4));
    for (let at = 0; at < content.length; at += piece) {
      await new Promise((resolve) => setTimeout(resolve, fault.slowMs));
      answer.write(content.subarray(at, at + piece));
    }
    return void answer.end();
  }
  carried.down += content.length;
  answer.end(content);
}

async function bodyOf(incoming: IncomingMessage, fault: Fault): Promise<Buffer> {
  const slowMs = typeof fault === 'object' && fault && 'slowBodyMs' in fault ? fault.slowBodyMs : 0;
  const pieces: Buffer[] = [];
  for await (const piece of incoming) {
    pieces.push(piece);
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
  }
  return Buffer.concat(pieces);
}
