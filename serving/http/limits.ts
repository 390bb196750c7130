/** What a server takes, and for how long. How much may be asked at once stands in the contract: `contracts/serving.ts`. */
export interface ServeLimits {
  /** Of one photo as a file. @default 20 MiB */
  readonly imageBytes: number;
  /** Of one photo, width times height. @default 50 million */
  readonly imagePixels: number;
  /** How long the decoder may take for one photo, which is then refused with 422. @default 5 s */
  readonly decodeMs: number;
  /** Of a request with its photos in JSON. @default 32 MiB */
  readonly jsonBytes: number;
  /** Photos that are decoded, wait or are computed at a time; more are refused with 429. @default 128 */
  readonly queue: number;
  /** Bytes of requests that are in memory at a time; more are refused with 429. @default 256 MiB */
  readonly bytesInFlight: number;
  /** Photos that TensorFlow is given at a time. @default 32 */
  readonly batch: number;
  /** How long a photo waits for others that are being decoded. @default 5 */
  readonly batchWaitMs: number;
  /** After this, counted from when all of it is there, a request is answered with 504. @default 10 s */
  readonly timeoutMs: number;
  /** How long a request may take to arrive; one that is slower is answered with 408. @default 30 s */
  readonly arrivalMs: number;
  /** How long requests wait for a process that takes the place of one that died. @default 5 s */
  readonly patienceMs: number;
  /**
   * After this without an answer the process that computes is taken for stuck and replaced, or after five times what the slowest batch
   * took when it was tried, where that is longer; loading and the first images have 5 minutes. @default 20 s
   */
  readonly stallMs: number;
  /** After this without a sign of life the process that computes is replaced, whether anything is asked or not. @default 5 s */
  readonly beatMs: number;
  /** How long requests have to finish when the server stops. @default 20 s */
  readonly drainMs: number;
  /** Of that, how long connections that are silent are kept, in case a request is on its way. @default 2 s */
  readonly lingerMs: number;
  /** How often the log of the model is looked at. @default 2 s */
  readonly pollMs: number;
  /** Connections at a time. @default 1024 */
  readonly connections: number;
  /** How long the beginning of a TLS connection may take. @default 10 s */
  readonly handshakeMs: number;
}

export const defaultLimits: ServeLimits = {
  imageBytes: 20 * 2 ** 20,
  imagePixels: 50_000_000,
  decodeMs: 5_000,
  jsonBytes: 32 * 2 ** 20,
  queue: 128,
  bytesInFlight: 256 * 2 ** 20,
  batch: 32,
  batchWaitMs: 5,
  timeoutMs: 10_000,
  arrivalMs: 30_000,
  patienceMs: 5_000,
  stallMs: 20_000,
  beatMs: 5_000,
  drainMs: 20_000,
  lingerMs: 2_000,
  pollMs: 2_000,
  connections: 1024,
  handshakeMs: 10_000,
};
