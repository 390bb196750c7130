/** A step cannot be captured, or a captured one cannot be run as asked. The message says what to change. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}
