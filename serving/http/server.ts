import { setMaxListeners } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { Server as Listener } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { times } from '../../contracts/counted.ts';
import { formatBytes } from '../../contracts/limits.ts';
import { mostImagesInRequest } from '../../contracts/serving.ts';
import { hasCode } from '../../contracts/system-errors.ts';
import { clientOf } from './client.ts';
import { securityHeaders } from './headers.ts';
import { codeOfStatus, errorAnswer, errorHeaders, HttpError } from './http-error.ts';
import type { ServeLimits } from './limits.ts';
import { listenAt } from './listen.ts';
import type { ServerParts } from './parts.ts';
import { requireKnownParameters } from './queries.ts';
import { readJson } from './read-json.ts';
import { openPaths, registerRoutes } from './routes.ts';
import { shareConnections } from './share-connections.ts';

export interface HttpServerOptions extends ServerParts {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Addresses, or networks, of proxies that say in `X-Forwarded-For` who asks. @default none */
  readonly trustedProxies?: readonly string[];
  readonly log: (line: string) => void;
}

export interface HttpServer {
  readonly port: number;
  /**
   * Takes no more connections and lets requests finish for `drainMs`. Connections end with their next answer, silent ones after
   * `lingerMs`: a client that is just about to ask is not cut off.
   */
  readonly close: () => Promise<void>;
}

/** How often connections that have become idle are closed while the server stops. */
const idleCheckMs = 50;
/** How often it is looked for requests that arrive too slowly, at least. */
const mostCheckMs = 5000;
/** How long a connection has to take the answer to what was no request. */
const lastWordsMs = 1000;
const clientLeft = 499;
/** One for all: an error takes its stack along. */
const nobodyWaits = new HttpError('Unavailable', 'The client has left.');

/** Starts to answer. @throws what Node says of a port that cannot be had */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { host, port, tls, guard, limits, admission, metrics, state, log, trustedProxies = [] } = options;
  const connectionsCheckingInterval = Math.min(mostCheckMs, limits.arrivalMs);
  const app: FastifyInstance = fastify({
    bodyLimit: limits.imageBytes,
    requestTimeout: limits.arrivalMs,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    ...(tls
      ? { https: { ...tls, connectionsCheckingInterval, handshakeTimeout: limits.handshakeMs } }
      : { http: { connectionsCheckingInterval } }),
    frameworkErrors: (_error, _request, reply: FastifyReply) => {
      const told = new HttpError('BadRequest', 'The path cannot be read.');
      reply.headers(securityHeaders).status(told.status).send(errorAnswer(told));
    },
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) return void socket.destroy();
      const told = hasCode(error, 'ERR_HTTP_REQUEST_TIMEOUT')
        ? new HttpError('TooSlow', `The request did not arrive within ${limits.arrivalMs / 1000} s.`)
        : new HttpError('BadRequest', 'This is no HTTP request.');
      const body = JSON.stringify(errorAnswer(told));
      socket.end(
        `HTTP/1.1 ${told.status} ${STATUS_CODES[told.status]}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      );
      // One who does not read would keep the connection, and the place of its request, for ever.
      setTimeout(() => socket.destroy(), lastWordsMs).unref();
    },
  });
  app.server.maxConnections = limits.connections;
  shareConnections(app.server, limits.connections, trustedProxies);
  app.server.headersTimeout = Math.min(limits.arrivalMs, 15_000);
  /** What ends the work on a request that was let in. */
  const controllers = new WeakMap<FastifyRequest, AbortController>();

  readBodies(app, limits);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    if (state.draining) reply.header('connection', 'close');
    const since = performance.now();
    const controller = new AbortController();
    // Each of its photos listens.
    setMaxListeners(0, controller.signal);
    const route = request.routeOptions.url ?? 'none';
    let leave = () => {};
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.raw.statusCode : clientLeft;
      metrics.answered(route, status, (performance.now() - since) / 1000);
      controller.abort(nobodyWaits);
      leave();
    });
    guard.checkOrigin(request.headers, request.method);
    if (!openPaths.has(route)) guard.checkToken(request.headers);
    if (!request.is404) requireKnownParameters(route, request.query);
    if (request.method === 'POST') leave = admission.request(announcedBytes(request, limits), clientOf(request.ip));
    controllers.set(request, controller);
  });
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, limits, log));
  app.setNotFoundHandler((request) => {
    const [path = ''] = request.url.split('?');
    const others = (['GET', 'POST'] as const).filter(
      (method) => method !== request.method && app.findRoute({ url: path, method }) !== null,
    );
    if (others.length > 0) throw new HttpError('MethodNotAllowed', `${path} takes ${others.join(' and ')}.`);
    throw new HttpError('NotFound', 'There is nothing at this path. /openapi.json says what there is.');
  });
  registerRoutes(app, {
    ...options,
    within: (request, work) => {
      const controller = controllers.get(request);
      if (!controller) throw new Error('a request that was not let in');
      return withDeadline(controller, limits, work);
    },
  });
  return {
    port: await listenAt(app, { host, port }),
    close: async () => {
      state.draining = true;
      const linger = Math.min(limits.lingerMs, limits.drainMs);
      // Not the server's own: it would close what has been connected and not yet asked.
      const ended = new Promise<void>((resolve) => Listener.prototype.close.call(app.server, () => resolve()));
      await Promise.race([ended, wait(linger)]);
      const idle = setInterval(() => app.server.closeIdleConnections(), idleCheckMs);
      const force = setTimeout(() => {
        log(`Requests that were not done after ${limits.drainMs / 1000} s are cut off.`);
        app.server.closeAllConnections();
      }, limits.drainMs - linger);
      await ended;
      await app.close();
      clearInterval(idle);
      clearTimeout(force);
    },
  };
}

/**
 * Work on a request, until it is done, its time is over, or its client has left. The time begins when the request is there: how
 * long it took to arrive has a limit of its own.
 */
async function withDeadline<T>(
  controller: AbortController,
  { timeoutMs }: ServeLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const giveUp = () =>
    controller.abort(new HttpError('TimedOut', `The answer took longer than ${timeoutMs / 1000} s.`));
  const timer = setTimeout(giveUp, timeoutMs);
  const aborted = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    clearTimeout(timer);
  }
}

/** A body that does not announce its length may have as many as are taken. */
function announcedBytes({ headers }: FastifyRequest, { jsonBytes, imageBytes }: ServeLimits): number {
  const announced = Number(headers['content-length']);
  const most = Math.max(jsonBytes, imageBytes);
  return Number.isFinite(announced) ? Math.min(announced, most) : most;
}

const taken =
  'Send an image as it is, with a content type such as image/jpeg, or JSON with content type application/json.';

function readBodies(app: FastifyInstance, { jsonBytes, imageBytes }: ServeLimits): void {
  app.removeAllContentTypeParsers();
  const asItIs = (_request: FastifyRequest, body: Buffer) => Promise.resolve(body);
  for (const type of [/^image\/[\w.+-]+$/, 'application/octet-stream'])
    app.addContentTypeParser(type, { parseAs: 'buffer', bodyLimit: imageBytes }, asItIs);
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: jsonBytes },
    async (_request: FastifyRequest, body: Buffer) => readJson(body),
  );
}

function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  limits: ServeLimits,
  log: (line: string) => void,
): FastifyReply {
  const known = error instanceof HttpError ? error : ofFastify(error, limits);
  if (!known) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    log(`${request.method} ${request.routeOptions.url} failed: ${stack ?? message}`);
  }
  const told = known ?? new HttpError('InternalError', 'Something went wrong in the server. Its log says what.');
  return reply.status(told.status).headers(errorHeaders(told)).send(errorAnswer(told));
}

/** What Fastify says of a request that it cannot read. */
function ofFastify(error: unknown, { imageBytes, jsonBytes }: ServeLimits): HttpError | null {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return null;
  const { statusCode } = error;
  if (statusCode >= 500) return null;
  const code = codeOfStatus(statusCode);
  if (code === 'TooLarge')
    return new HttpError(
      code,
      `The body is too large: an image may have ${formatBytes(imageBytes)}, JSON with up to ${times(mostImagesInRequest, 'image')} ${formatBytes(jsonBytes)}.`,
    );
  if (code === 'UnsupportedMediaType')
    return new HttpError(code, `The body is of a content type that is not read. ${taken}`);
  return new HttpError(code, `The request cannot be read: ${error.message}. ${taken}`);
}
