import { systemCodeOf } from './system-errors.ts';

/** Answers of a server after which the same question may be answered otherwise. */
export const passingAnswers: readonly number[] = [408, 425, 429, 500, 502, 503, 504];

/** Answers that name another place. */
export const redirectAnswers: readonly number[] = [301, 302, 303, 307, 308];

/** Why a request failed, in few words, and without the URL that messages of the network may have: a query may hold a secret. */
export function networkCause(error: unknown): string {
  const code = nearestCode(error);
  if (code === null) return 'the connection failed';
  if (certificateCodes.test(code)) return `the server's certificate is not valid (${code})`;
  return words[code] ?? `the connection failed (${code})`;
}

/** Codes of a certificate that does not hold; another try finds the same one. */
const certificateCodes = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT_)/;

/** Whether a request failed because the server could not prove its name. */
export const isCertificateError = (error: unknown): boolean => certificateCodes.test(nearestCode(error) ?? '');

/** The code of an error, or of the nearest of its causes that has one. */
function nearestCode(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const code = systemCodeOf(at);
    if (code !== null) return code;
  }
  return null;
}

const words: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no server of that name',
  ECONNREFUSED: 'the server takes no connection',
  EPROTO: 'the server does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not speak TLS',
  UND_ERR_SOCKET: 'the connection broke',
  ECONNRESET: 'the connection broke',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'it was cut off',
};
