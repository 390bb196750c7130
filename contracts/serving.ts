import { z } from 'zod';
import { digestSchema } from './artifacts.ts';

/** Images of one request, at most. */
export const mostImagesInRequest = 32;
/** Look-alikes of one image, at most. */
export const mostNeighboursInRequest = 100;
const defaultNeighbours = 10;
/** The shortest token that a server takes. */
export const shortestToken = 16;

/** Query of `/v1/similar` and `/v1/predict`. */
export const neighboursQuerySchema = z.strictObject({
  k: z.coerce
    .number()
    .pipe(z.int().min(1).max(mostNeighboursInRequest))
    .default(defaultNeighbours)
    .meta({ description: 'look-alikes to answer with' }),
});

/** Body of a request that has its images in JSON. Each is read as its bytes would be. */
export const imagesBodySchema = z.strictObject({
  images: z
    .array(z.string().min(1).meta({ contentEncoding: 'base64' }))
    .min(1)
    .max(mostImagesInRequest),
});

/** What an answer comes from. All parts of an answer are of the same version. */
export const servedBySchema = z.strictObject({
  /** Name of the model; `run/step` where that of a run is served. */
  model: z.string(),
  /** Null where a run is served. */
  version: z.int().positive().nullable(),
  encoder: digestSchema,
  /** Null where the model has no index, or it cannot be used. */
  index: digestSchema.nullable(),
});
export type ServedBy = z.infer<typeof servedBySchema>;

/** A row of the index that looks like the photo. */
export const neighbourSchema = z.strictObject({
  row: z.int().nonnegative(),
  name: z.string(),
  label: z.string().optional(),
  group: z.string().optional(),
  category: z.string().optional(),
  /** Cosine similarity, -1 to 1. */
  score: z.number(),
  /** Path of a small picture on this server; null where the index keeps none. */
  picture: z.string().nullable(),
});
export type Neighbour = z.infer<typeof neighbourSchema>;

const guessSchema = z.strictObject({ label: z.string(), confidence: z.number().min(0).max(1) });

/** What the model says of one photo. */
export const predictionSchema = z.strictObject({
  /** The likeliest class; also where the photo is unknown. */
  label: z.string(),
  /** 0 to 1. */
  confidence: z.number().min(0).max(1),
  /** Whether `confidence` was fitted to how often the model is right. */
  calibrated: z.boolean(),
  /** The likeliest classes, the likeliest first. */
  guesses: z.array(guessSchema),
  /** Whether the photo is of none of the classes; null where nothing tells. */
  unknown: z.boolean().nullable(),
  /** Class of the most similar product, where the classifier was not trained on it; the photo is then unknown. */
  alike: z.string().nullable(),
  /** Why it is unknown, or known, or why that is not said. */
  because: z.string(),
  neighbours: z.array(neighbourSchema),
});
export type PredictionAnswer = z.infer<typeof predictionSchema>;

const answerOf = <T extends z.ZodType>(result: T) =>
  z.strictObject({ ...servedBySchema.shape, results: z.array(result) });

/** Answers, one result an image, in the order of the request. */
export const embedAnswerSchema = answerOf(
  z.strictObject({
    /** float32 values, as the encoder gives them. */
    embedding: z.array(z.number()),
  }),
);
export const similarAnswerSchema = answerOf(z.strictObject({ neighbours: z.array(neighbourSchema) }));
export const predictAnswerSchema = answerOf(predictionSchema);

/** A version that is promoted and not served yet. */
const waitingSchema = z.strictObject({ version: z.int().positive(), reason: z.string() });
export type Waiting = z.infer<typeof waitingSchema>;

/** `GET /v1/models` */
export const modelsAnswerSchema = z.strictObject({
  models: z.array(
    z.strictObject({
      ...servedBySchema.shape,
      run: z.string(),
      classes: z.array(z.string()).nullable(),
      /** Products in the index; null without one. */
      products: z.int().nonnegative().nullable(),
      image: z.strictObject({ height: z.int(), width: z.int(), channels: z.int() }),
      dimension: z.int().positive(),
      /** Why its index cannot be used, or is not there yet; null where it can, or there is none. */
      problem: z.string().nullable(),
      waiting: waitingSchema.nullable(),
    }),
  ),
  /** What the server takes. */
  limits: z.strictObject({
    imageBytes: z.int(),
    imagePixels: z.int(),
    images: z.int(),
    neighbours: z.int(),
  }),
});
export type ModelsAnswer = z.infer<typeof modelsAnswerSchema>;

/** `GET /healthz`: the process answers. */
export const healthAnswerSchema = z.strictObject({ status: z.literal('ok') });

/** `GET /readyz`: 200 where requests are answered, else 503. */
export const readyAnswerSchema = z.strictObject({
  ready: z.boolean(),
  /** Why not, or what is not as it should be. */
  reason: z.string().nullable(),
  // Whoever does not have the token is not told what is served.
  ...servedBySchema.partial().shape,
  waiting: waitingSchema.nullable().optional(),
});
export type ReadyAnswer = z.infer<typeof readyAnswerSchema>;

/** Why a request was not answered. */
export const serveErrorCodes = [
  'BadRequest',
  'Unauthorized',
  'Forbidden',
  'NotFound',
  'MethodNotAllowed',
  'TooSlow',
  'NotAvailable',
  'TooLarge',
  'UnsupportedMediaType',
  'UnusableImage',
  'TooManyRequests',
  'InternalError',
  'Unavailable',
  'TimedOut',
] as const;
export type ServeErrorCode = (typeof serveErrorCodes)[number];

export const errorAnswerSchema = z.strictObject({
  error: z.strictObject({ code: z.enum(serveErrorCodes), message: z.string() }),
});
export type ErrorAnswer = z.infer<typeof errorAnswerSchema>;
