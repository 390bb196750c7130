import type { ErrorAnswer, ServeErrorCode } from '../../contracts/serving.ts';

const statuses: Readonly<Record<ServeErrorCode, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  TooSlow: 408,
  NotAvailable: 409,
  TooLarge: 413,
  UnsupportedMediaType: 415,
  UnusableImage: 422,
  TooManyRequests: 429,
  InternalError: 500,
  Unavailable: 503,
  TimedOut: 504,
};

/** Why a request is not answered, in words for its sender: no path, no stack. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;

  /** @param retryAfter seconds after which another try may succeed */
  constructor(
    readonly code: ServeErrorCode,
    message: string,
    readonly retryAfter?: number,
    options?: { readonly cause: unknown },
  ) {
    super(message, options);
    this.status = statuses[code];
  }
}

export const errorAnswer = ({ code, message }: HttpError): ErrorAnswer => ({ error: { code, message } });

/** What the headers of such an answer say. */
export const errorHeaders = ({ code, retryAfter }: HttpError): Readonly<Record<string, string>> => ({
  ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  ...(code === 'Unauthorized' ? { 'www-authenticate': 'Bearer' } : {}),
});

/** The code of a status that Fastify or Node chose. */
export const codeOfStatus = (status: number): ServeErrorCode =>
  (Object.entries(statuses) as [ServeErrorCode, number][]).find(([, each]) => each === status)?.[0] ??
  (status < 500 ? 'BadRequest' : 'InternalError');
