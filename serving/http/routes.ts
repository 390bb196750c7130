import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { indexAgain } from '../../contracts/index-again.ts';
import {
  type ModelsAnswer,
  mostImagesInRequest,
  mostNeighboursInRequest,
  neighboursQuerySchema,
  type ReadyAnswer,
} from '../../contracts/serving.ts';
import { compute, neighboursOf } from './answer.ts';
import { clientOf } from './client.ts';
import { HttpError } from './http-error.ts';
import { openApi } from './openapi.ts';
import { pageFiles } from './page.ts';
import type { ServerParts } from './parts.ts';
import { photosIn } from './photos.ts';
import { predictionsOf } from './predict.ts';
import { type ServedNow, servedWith, usingIndex } from './using-index.ts';

/** What is known of a request besides its photos. */
interface Asked {
  readonly signal: AbortSignal;
  readonly client: string;
}

export interface RouteOptions extends ServerParts {
  /** Does work for a request until its time is over. */
  readonly within: <T>(request: FastifyRequest, work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

/** Paths that need no token: without one they say nothing of the model but whether it is ready. */
export const openPaths: ReadonlySet<string> = new Set([
  '/healthz',
  '/readyz',
  '/openapi.json',
  ...pageFiles.map(({ path }) => path),
]);

const pictureParams = z.object({ index: z.string(), row: z.coerce.number().pipe(z.int().nonnegative()) });
/** When an index that is missing may be there again. */
const lostSeconds = 60;
/** When one that is being made may be ready. */
const soonSeconds = 10;
const forever = 'private, max-age=31536000, immutable';

export function registerRoutes(app: FastifyInstance, options: RouteOptions): void {
  const { followed, limits, metrics, state, guard, within, lacks } = options;

  /** An answer of one version, from its first photo to its last name. */
  const answer = (
    request: FastifyRequest,
    results: (served: ServedNow, photos: readonly Buffer[], asked: Asked) => Promise<readonly object[]>,
  ) =>
    within(request, async (signal) => {
      const photos = photosIn(request.body, limits);
      const served = followed.current();
      const end = served.use();
      try {
        const asked = { signal, client: clientOf(request.ip) };
        return await usingIndex(served, async (now) => ({ ...now.by, results: await results(now, photos, asked) }));
      } finally {
        end();
      }
    });
  const computed = (served: ServedNow, photos: readonly Buffer[], asked: Asked) =>
    compute(served, photos, { ...options, ...asked });

  app.post('/v1/embed', (request) =>
    answer(request, async (served, photos, asked) =>
      (await computed(served, photos, asked)).map(({ embedding }) => ({ embedding: Array.from(embedding) })),
    ),
  );
  app.post('/v1/similar', (request) => {
    const { k } = parsed(neighboursQuerySchema, request.query);
    return answer(request, async (served, photos, asked) => {
      requireIndex(served, lacks());
      const neighbours = await neighboursOf(served, await computed(served, photos, asked), k);
      return neighbours.map((each) => ({ neighbours: each }));
    });
  });
  app.post('/v1/predict', (request) => {
    const { k } = parsed(neighboursQuerySchema, request.query);
    return answer(request, async (served, photos, asked) => {
      requireNames(served);
      return predictionsOf(served, await computed(served, photos, asked), k);
    });
  });
  app.get('/v1/models', async (): Promise<ModelsAnswer> => {
    const served = followed.current();
    const { by, used, about, index, lost } = servedWith(served, served.index.now());
    const { height, width, channels } = about.encoder.image;
    return {
      models: [
        {
          ...by,
          run: used.run,
          classes: about.classifier?.classes ?? null,
          products: index?.about.count ?? null,
          image: { height, width, channels },
          dimension: about.encoder.dimension,
          problem: lost ?? (index ? null : lacks()),
          waiting: followed.waiting(),
        },
      ],
      limits: {
        imageBytes: limits.imageBytes,
        imagePixels: limits.imagePixels,
        images: mostImagesInRequest,
        neighbours: mostNeighboursInRequest,
      },
    };
  });
  app.get('/v1/pictures/:index/:row', async (request, reply) => {
    const { index: digest, row } = parsed(pictureParams, request.params);
    const served = followed.current();
    const index = served.index.now();
    if (!index || served.by.index !== digest || row >= index.about.count)
      throw new HttpError('NotFound', 'There is no such picture in the index that is served.');
    const end = served.use();
    try {
      const picture = await index.picture(row).catch((error: unknown) => {
        served.index.failed(index, error);
        throw new HttpError('NotFound', 'The picture cannot be read. The log of the server says why.');
      });
      if (!picture) throw new HttpError('NotFound', 'The index keeps no pictures.');
      return reply.headers({ 'content-type': 'image/webp', 'cache-control': forever }).send(Buffer.from(picture));
    } finally {
      end();
    }
  });
  app.get('/healthz', async () => ({ status: 'ok' }));
  app.get('/readyz', async ({ headers }, reply) => {
    const served = followed.current();
    const { by, problem, index, lost } = servedWith(served, served.index.now());
    const waiting = followed.waiting();
    const why = state.draining ? 'The server is stopping.' : problem();
    const note = waiting ? `Version ${waiting.version} waits: ${waiting.reason}` : (lost ?? (index ? null : lacks()));
    const said: ReadyAnswer = guard.mayAsk(headers)
      ? { ready: why === null, reason: why ?? note, ...by, waiting }
      : { ready: why === null, reason: why };
    return reply.status(why === null ? 200 : 503).send(said);
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  app.get('/openapi.json', async () => openApi({ needsToken: guard.needsToken }));
  for (const { path, type, content } of pageFiles)
    app.get(path, async (_request, reply) => reply.type(type).header('cache-control', 'no-cache').send(content));
}

function requireIndex({ index, lost, by, used }: ServedNow, lacks: string | null): void {
  if (index) return;
  if (lost !== null) throw new HttpError('Unavailable', lost, lostSeconds);
  if (lacks !== null) throw new HttpError('Unavailable', lacks, soonSeconds);
  throw new HttpError(
    'NotAvailable',
    `${by.model} has no index to find look-alikes in. ${used.version === null ? 'A build-index step in its pipeline makes one.' : `To give it one, ${indexAgain(by.model)}.`}`,
  );
}

function requireNames({ about, index, lost, by }: ServedNow): void {
  if (about.classifier || index) return;
  if (lost !== null) throw new HttpError('Unavailable', lost, lostSeconds);
  throw new HttpError('NotAvailable', `${by.model} names no class: it has neither a classifier nor an index.`);
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const read = schema.safeParse(value);
  if (!read.success) throw new HttpError('BadRequest', z.prettifyError(read.error).replace(/^✖ /gm, ''));
  return read.data;
}
