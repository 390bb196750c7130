import { setImmediate as afterEvents } from 'node:timers/promises';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { z } from 'zod';
import { isContrailError } from '../contracts/errors.ts';
import { parseJsonWithin, TooDeep } from '../contracts/json-within.ts';
import { decodeEncrypted, isEncrypted, type PayloadKeys } from '../payloads/index.ts';
import { createGuard } from '../serving/http/guard.ts';
import { securityHeaders } from '../serving/http/headers.ts';
import { errorHeaders, HttpError } from '../serving/http/http-error.ts';
import { listenAt } from '../serving/http/listen.ts';

const host = '127.0.0.1';
/** Temporal's UI sends the payloads of a page of history; Temporal takes 4 MiB a message. */
const bodyBytes = 32 * 1024 * 1024;
const mostPayloads = 10_000;
/** The body, the list, a payload, its metadata; and a mistake that is then explained. */
const deepestBody = 10;
const arrivalMs = 15_000;
const preflightSeconds = 600;
/** A name of an entry stands in it, which may be long. */
const mostPlaceText = 300;

/** Contrail's have three, those of other programs a few more. */
const mostEntries = 64;
/** How long payloads are decrypted at a time, before others are answered. */
const atOnceMs = 20;

/** As protobuf writes payloads in JSON: bytes in base64. */
const payloadSchema = z.object({
  metadata: z
    .custom<unknown>(
      (value) => !(value instanceof Object) || Object.keys(value).length <= mostEntries,
      `has more than ${mostEntries} entries`,
    )
    .pipe(z.record(z.string().max(200), z.base64()).optional())
    .optional(),
  data: z.base64().optional(),
});
/** Each payload is parsed by itself, up to the first that is wrong: of a large body all that is wrong would be long to tell. */
const requestSchema = z.object({
  payloads: z
    .custom<readonly unknown[]>(Array.isArray, 'is not a list')
    .refine(({ length }) => length <= mostPayloads, `has more than ${mostPayloads} payloads`),
});
type JsonPayload = z.infer<typeof payloadSchema>;

export interface CodecServerOptions {
  readonly keys: PayloadKeys;
  /** 0 takes a free one. */
  readonly port: number;
  /** Origins of Temporal's UI, such as `http://localhost:8233`; pages of others get nothing. */
  readonly origins: readonly string[];
  /** Without one every program on this machine may ask. */
  readonly token: string | null;
}

export interface CodecServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/**
 * Decrypts for Temporal's UI and command line what they show (`POST /decode`, Temporal's protocol of remote codecs). It listens on
 * this machine alone, and answers pages of the UI's origins alone. It encrypts nothing: what is sent to a run goes through `contrail`.
 *
 * @throws what Node says of a port that cannot be had
 */
export async function startCodecServer({ keys, port, origins, token }: CodecServerOptions): Promise<CodecServer> {
  const guard = createGuard({ host, token, allowedHosts: [] });
  const app: FastifyInstance = fastify({
    bodyLimit: bodyBytes,
    requestTimeout: arrivalMs,
    forceCloseConnections: true,
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_request: FastifyRequest, body: string) =>
    jsonOf(body),
  );
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...securityHeaders, vary: 'Origin' });
    // Of the Host header alone: the UI is a page of another origin.
    guard.checkOrigin(request.headers, 'GET');
    allowOrigin(request, reply, origins);
    // A browser sends no token with the question whether it may send one.
    if (request.method !== 'OPTIONS') guard.checkToken(request.headers);
  });
  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof HttpError) reply.headers(errorHeaders(error));
    const { status, message } = answerTo(error);
    return reply.status(status).send({ message });
  });
  app.setNotFoundHandler((request) => {
    throw request.url.split('?')[0] === '/encode'
      ? new HttpError('NotFound', 'This server only decrypts. What is sent to a run goes through `contrail`.')
      : new HttpError('NotFound', 'There is nothing at this path but POST /decode.');
  });
  app.options('/decode', async (_request, reply) => reply.status(204).send());
  app.post('/decode', async ({ body, headers }) => {
    const { payloads } = parsed(requestSchema, body, []);
    const namespace = headers['x-namespace'];
    const answer: JsonPayload[] = [];
    let since = performance.now();
    for (const [at, given] of payloads.entries()) {
      const payload = parsed(payloadSchema, given, ['payloads', at]);
      answer.push(decoded(keys, payload, typeof namespace === 'string' ? namespace : null));
      if (performance.now() - since < atOnceMs) continue;
      await afterEvents();
      since = performance.now();
    }
    return { payloads: answer };
  });
  return {
    port: await listenAt(app, { host, port }),
    close: () => app.close(),
  };
}

/** Brackets are counted first: megabytes of them would keep this process for seconds. @throws HttpError BadRequest */
function jsonOf(body: string): unknown {
  try {
    return parseJsonWithin(body, deepestBody);
  } catch (error) {
    throw new HttpError(
      'BadRequest',
      `The body is no JSON${error instanceof TooDeep ? ` of payloads: ${error.message}` : ''}.`,
    );
  }
}

/** @param at where the value is in the body @throws HttpError BadRequest that says the first thing that is wrong */
function parsed<T>(schema: z.ZodType<T>, value: unknown, at: readonly (string | number)[]): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [issue] = error.issues;
  const place = [...at, ...(issue?.path ?? [])].map(String).join('.').slice(0, mostPlaceText);
  throw new HttpError('BadRequest', `Not payloads: ${place === '' ? 'the body' : place}: ${issue?.message ?? ''}.`);
}

/** A page is told that it may read the answer, or nothing at all. @throws HttpError Forbidden */
function allowOrigin({ headers, method }: FastifyRequest, reply: FastifyReply, origins: readonly string[]): void {
  const { origin } = headers;
  // A program that is no browser says no origin.
  if (origin === undefined && headers['sec-fetch-site'] === undefined) return;
  if (origin === undefined || !origins.includes(origin))
    throw new HttpError('Forbidden', `Pages of other origins may not ask this server. It knows ${origins.join(', ')}.`);
  reply.header('access-control-allow-origin', origin);
  if (method !== 'OPTIONS') return;
  reply.headers({
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'authorization, content-type, x-namespace',
    'access-control-max-age': preflightSeconds,
    // Browsers ask before a page of another network may reach this machine.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  });
}

/** A payload as it was before it was encrypted; what is not encrypted stays as it is, so that it is seen not to be. */
function decoded(keys: PayloadKeys, payload: JsonPayload, namespace: string | null): JsonPayload {
  const bytes = {
    metadata: Object.fromEntries(
      Object.entries(payload.metadata ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64')]),
    ),
    data: Buffer.from(payload.data ?? '', 'base64'),
  };
  if (!isEncrypted(bytes)) return payload;
  const { metadata, data } = decodeEncrypted(keys, bytes, namespace === null ? null : { namespace });
  return {
    metadata: Object.fromEntries(
      Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
    data: Buffer.from(data ?? []).toString('base64'),
  };
}

function answerTo(error: unknown): { readonly status: number; readonly message: string } {
  if (error instanceof HttpError) return error;
  if (isContrailError(error)) return { status: 422, message: error.message };
  const status = error instanceof Object && 'statusCode' in error ? Number(error.statusCode) : 500;
  return status < 500 && error instanceof Error
    ? { status, message: error.message }
    : { status: 500, message: 'The codec server failed.' };
}
