import { z } from 'zod';
import {
  embedAnswerSchema,
  errorAnswerSchema,
  healthAnswerSchema,
  imagesBodySchema,
  modelsAnswerSchema,
  neighboursQuerySchema,
  predictAnswerSchema,
  readyAnswerSchema,
  similarAnswerSchema,
} from '../../contracts/serving.ts';

/** What the server answers with, by name; `$ref`s lead here. */
const schemas = {
  Images: imagesBodySchema,
  EmbedAnswer: embedAnswerSchema,
  SimilarAnswer: similarAnswerSchema,
  PredictAnswer: predictAnswerSchema,
  ModelsAnswer: modelsAnswerSchema,
  HealthAnswer: healthAnswerSchema,
  ReadyAnswer: readyAnswerSchema,
  Error: errorAnswerSchema,
} as const;
type SchemaName = keyof typeof schemas;

const refusals: Readonly<Record<string, string>> = {
  400: 'The request cannot be read.',
  401: 'A token is needed.',
  403: 'The host name is not allowed, or a page of another site asked.',
  408: 'The request arrived too slowly.',
  409: 'The model has no index, or no classifier.',
  413: 'The body or an image is too large.',
  415: 'The body is no image of a kind that is read.',
  422: 'An image is damaged, or cannot be used for another reason.',
  429: 'The server is busy; Retry-After says when to try again.',
  500: 'Something went wrong in the server.',
  503: 'The process that computes is being replaced; Retry-After says when to try again.',
  504: 'The answer took too long.',
};

/** The OpenAPI 3.1 document of the server, from the schemas that its answers are made by. */
export function openApi({ needsToken }: { readonly needsToken: boolean }): object {
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Contrail',
      version: '1',
      description:
        'Look-alikes and classes of photos. Every answer names the model, its version, and the digests of the encoder and the index that it comes from.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths: {
      '/v1/embed': { post: forImages('embed', 'Embeddings of photos', 'EmbedAnswer') },
      '/v1/similar': { post: forImages('similar', 'Products that look like photos', 'SimilarAnswer', withNeighbours) },
      '/v1/predict': {
        post: forImages('predict', 'Classes of photos, and whether they are of none', 'PredictAnswer', withNeighbours),
      },
      '/v1/models': { get: reading('models', 'What is served', 'ModelsAnswer') },
      '/v1/pictures/{index}/{row}': {
        get: {
          operationId: 'picture',
          summary: 'A small picture of a product',
          parameters: [
            { name: 'index', in: 'path', required: true, schema: { type: 'string' } },
            { name: 'row', in: 'path', required: true, schema: { type: 'integer', minimum: 0 } },
          ],
          responses: {
            200: { description: 'The picture.', content: { 'image/webp': { schema: {} } } },
            ...errors('401', '403'),
            404: response('There is no such picture.', 'Error'),
          },
        },
      },
      '/healthz': { get: { ...reading('health', 'Whether the server runs', 'HealthAnswer'), security: [] } },
      '/readyz': {
        get: {
          operationId: 'ready',
          summary: 'Whether requests are answered, and why not',
          security: [],
          responses: {
            200: response('They are.', 'ReadyAnswer'),
            503: response('They are not.', 'ReadyAnswer'),
          },
        },
      },
      '/metrics': {
        get: {
          operationId: 'metrics',
          summary: 'Counts for Prometheus',
          responses: {
            200: { description: 'Text.', content: { 'text/plain': { schema: { type: 'string' } } } },
            ...errors('401', '403'),
          },
        },
      },
      '/openapi.json': {
        get: {
          operationId: 'openapi',
          summary: 'This document',
          security: [],
          responses: { 200: { description: 'It.', content: { 'application/json': { schema: { type: 'object' } } } } },
        },
      },
    },
    components: {
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchemaOf(schema)])),
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    ...(needsToken ? { security: [{ token: [] }] } : {}),
  };
  return document;
}

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
function jsonSchemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'output' });
  return rest;
}

const json = (name: SchemaName) => ({ 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } });
const response = (description: string, name: SchemaName) => ({ description, content: json(name) });
const errors = (...statuses: readonly string[]) =>
  Object.fromEntries(statuses.map((status) => [status, response(refusals[status] ?? '', 'Error')]));

const binary = { schema: { type: 'string', format: 'binary' } };

function forImages(operationId: string, summary: string, answer: SchemaName, more: object = {}): object {
  return {
    operationId,
    summary,
    ...more,
    requestBody: {
      required: true,
      content: { 'image/*': binary, 'application/octet-stream': binary, ...json('Images') },
    },
    responses: {
      200: response('One result an image, in their order.', answer),
      ...errors(...Object.keys(refusals)),
    },
  };
}

const reading = (operationId: string, summary: string, answer: SchemaName): object => ({
  operationId,
  summary,
  responses: { 200: response('It.', answer), ...errors('401', '403') },
});

const { k } = z.toJSONSchema(neighboursQuerySchema, { io: 'output' }).properties ?? {};
const withNeighbours = { parameters: [{ name: 'k', in: 'query', required: false, schema: k }] };
