import { type FastifyReply, fastify } from 'fastify';
import { createGuard } from '../../serving/http/guard.ts';
import { securityHeaders } from '../../serving/http/headers.ts';
import { errorAnswer, errorHeaders, HttpError } from '../../serving/http/http-error.ts';
import { listenAt } from '../../serving/http/listen.ts';

/** Where a worker answers with its metrics, and to whom. */
export interface EndpointOptions {
  readonly host: string;
  /** 0 takes one that is free. */
  readonly port: number;
  /** Without one everybody who reaches it may read. */
  readonly token: string | null;
  /** Names by which clients reach it beside its address. */
  readonly allowedHosts: readonly string[];
}

export interface Endpoint {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** What it answers with. */
export interface EndpointAnswers {
  readonly contentType: string;
  readonly text: () => Promise<string>;
  /** Why the worker takes no work; null where it does. */
  readonly notReady: () => string | null;
}

/** Answers to probes need no token, and say nothing of what is done here. */
const openPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz']);
const arrivalMs = 10_000;
const connections = 64;

/** Starts to answer. @throws what Node says of a port that cannot be had */
export async function startEndpoint(options: EndpointOptions, answers: EndpointAnswers): Promise<Endpoint> {
  const guard = createGuard({ ...options, allowOption: '--metrics-allow-host' });
  const app = fastify({ requestTimeout: arrivalMs, bodyLimit: 1024, forceCloseConnections: true });
  app.server.maxConnections = connections;
  app.server.headersTimeout = arrivalMs;
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    guard.checkOrigin(request.headers, request.method);
    if (!openPaths.has(request.routeOptions.url ?? '')) guard.checkToken(request.headers);
  });
  app.setErrorHandler((error, _request, reply) => answerError(error, reply));
  app.setNotFoundHandler(() => {
    throw new HttpError('NotFound', 'There is nothing at this path. There are /metrics, /healthz and /readyz.');
  });
  app.get('/metrics', async (_request, reply) => reply.type(answers.contentType).send(await answers.text()));
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async (_request, reply) => {
    const reason = answers.notReady();
    return reply.status(reason === null ? 200 : 503).send({ ready: reason === null, reason });
  });
  return {
    port: await listenAt(app, options),
    close: async () => void (await app.close()),
  };
}

function answerError(error: unknown, reply: FastifyReply): FastifyReply {
  const told =
    error instanceof HttpError ? error : new HttpError('InternalError', 'Something went wrong in the worker.');
  return reply.status(told.status).headers(errorHeaders(told)).send(errorAnswer(told));
}
