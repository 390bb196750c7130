import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import { shortened } from '../../contracts/short-text.ts';
import { explained } from '../../contracts/system-errors.ts';
import { visible } from '../../contracts/visible-text.ts';
import { missingFile } from '../reading.ts';

/** The HTTP status that an error came with; null where the server did not answer. */
export function statusOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('$metadata' in error)) return null;
  const metadata = error.$metadata as { readonly httpStatusCode?: unknown } | undefined;
  return typeof metadata?.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
}

/** Whether the server says that it has no such object. A 404 alone may be that of a missing bucket, or of a proxy. */
export const isNoSuchKey = (error: unknown): boolean =>
  error instanceof Error && error.name === 'NoSuchKey' && statusOf(error) === 404;

/** Whether a condition did not hold: with `If-None-Match: *`, that there is such an object. */
export const isRefusedByCondition = (error: unknown): boolean => statusOf(error) === 412;

/** Whether a range begins after the end of an object, which is there then. */
export const isPastEnd = (error: unknown): boolean => statusOf(error) === 416;

/** What a person does about an error that has a name. */
const remedies: Readonly<Record<string, string>> = {
  AccessDenied: 'The credentials do not allow it; docs/store.md lists the permissions that they need.',
  NoSuchBucket: 'There is no such bucket: make it, or set CONTRAIL_STORE to another.',
  InvalidAccessKeyId: 'The server does not know the access key: look at AWS_ACCESS_KEY_ID or AWS_PROFILE.',
  SignatureDoesNotMatch:
    'The secret key is not the one of the access key: look at AWS_SECRET_ACCESS_KEY or AWS_PROFILE.',
  ExpiredToken: 'The credentials have expired: renew them.',
  PermanentRedirect: 'The bucket is in another region: set AWS_REGION to it.',
  AuthorizationHeaderMalformed: 'The bucket may be in another region: set AWS_REGION to it.',
  CredentialsProviderError:
    'No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role.',
  RequestTimeTooSkewed: 'The clock of this machine is wrong: set it.',
};

/** Something that the server could not be brought to do, which says nothing about what it has. What explains itself is left as it is. */
export function s3Failure(
  where: string,
  done: 'read' | 'written' | 'listed' | 'removed',
  cause: unknown,
): ContrailError {
  if (isContrailError(cause)) return cause;
  return new ContrailError('StoreUnreadable', `${where} cannot be ${done}. ${reasonOf(cause)}`, { cause });
}

/** What reading throws: that there is no such object, or that it cannot be read. */
export const readFailure = (where: string, cause: unknown): ContrailError =>
  isNoSuchKey(cause) ? missingFile(where, cause) : s3Failure(where, 'read', cause);

/** Why a request failed, and what to do about it. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const status = statusOf(cause);
  const known = explained(cause);
  if (status === null && known) return known.message;
  if (/region is missing/i.test(cause.message))
    return 'No region is set: set AWS_REGION, to any where the server has none.';
  const said = visible(shortened(cause.message.split('\n')[0] ?? '', 300)).replace(/[.\s]*$/, '');
  const what = status === null ? said : `The server answered ${status} ${visible(shortened(cause.name, 60))}: ${said}`;
  const remedy = remedies[cause.name] ?? (status === 403 ? remedies.AccessDenied : undefined);
  return `${what}.${remedy === undefined ? '' : ` ${remedy}`}`;
}
