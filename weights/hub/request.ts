import type { HubFile } from '../../contracts/initial-weights.ts';
import { networkCause, passingAnswers, redirectAnswers } from '../../contracts/network.ts';
import { shortened } from '../../contracts/short-text.ts';
import { visible } from '../../contracts/visible-text.ts';
import type { HubSettings } from './settings.ts';

/** Why a file could not be fetched, to be said after its name. No URL is in it: that of a redirect holds a signature. */
export class NotFetched extends Error {
  override readonly name = 'NotFetched';

  constructor(
    message: string,
    /** Another time it may work. */
    readonly passing: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const maximumRedirects = 5;

const urlOf = ({ endpoint }: HubSettings, { repository, revision, file }: HubFile) => {
  const path = file.split('/').map(encodeURIComponent).join('/');
  return new URL(`${endpoint}/${repository}/resolve/${encodeURIComponent(revision)}/${path}`);
};

/**
 * Asks the hub for a file, or for its rest. Redirects are followed by hand: the token goes to the hub's own origin alone, and none
 * leads from https to http or to anything else.
 *
 * @param from the first byte that is wanted
 * @param onDigest is told the SHA-256 of the file where the hub says it, before anything of the file is asked for; may throw
 * @returns an answer of status 200, 206 or 416
 * @throws NotFetched; the signal's reason; what `onDigest` throws
 */
export async function requestFile(
  file: HubFile,
  settings: HubSettings,
  {
    from,
    signal,
    onDigest,
  }: { readonly from: number; readonly signal: AbortSignal; readonly onDigest: (sha256: string) => void },
): Promise<Response> {
  let at = urlOf(settings, file);
  const { origin } = at;
  for (let redirects = 0; redirects <= maximumRedirects; redirects++) {
    const isHub = at.origin === origin;
    const response = await fetch(at, {
      redirect: 'manual',
      signal,
      headers: headersOf(isHub ? settings.token : null, from),
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      throw new NotFetched(`could not be fetched: ${networkCause(error)}`, true, { cause: error });
    });
    if ([200, 206, 416].includes(response.status)) {
      const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() || 'identity';
      if (encoding === 'identity') return response;
      await response.body?.cancel();
      // Its bytes are not those of the file, and a little of it may become very much.
      throw lasting(`came encoded as ${visible(shortened(encoding, 40))}, which was not asked for`);
    }
    await response.body?.cancel();
    const sha256 = isHub ? digestIn(response) : null;
    if (sha256 !== null) onDigest(sha256);
    const location = response.headers.get('location');
    if (!redirectAnswers.includes(response.status) || location === null)
      throw refusalOf(response, file, settings, isHub);
    if (!URL.canParse(location, at.href)) throw lasting('was redirected to what is no URL');
    const next = new URL(location, at);
    const isSafe = next.protocol === 'https:' || (next.protocol === 'http:' && at.protocol === 'http:');
    if (!isSafe) throw lasting(`was redirected from ${at.protocol} to ${next.protocol}, which is not followed`);
    // Such a request is refused before it is sent, again and again.
    if (next.username !== '' || next.password !== '')
      throw lasting('was redirected to a URL with a user name or a password, which is not followed');
    at = next;
  }
  throw lasting(`was redirected more than ${maximumRedirects} times`);
}

const lasting = (reason: string) => new NotFetched(`${reason}. See that HF_ENDPOINT names the hub.`, false);

const headersOf = (token: string | null, from: number): Record<string, string> => ({
  'user-agent': 'contrail',
  // Bytes are counted and asked for by their place, so they come as they are.
  'accept-encoding': 'identity',
  ...(token === null ? {} : { authorization: `Bearer ${token}` }),
  ...(from > 0 ? { range: `bytes=${from}-` } : {}),
});

/** The hub redirects to a large file, which stands beside the repository by its SHA-256, and says that as its tag. */
const digestIn = ({ headers }: Response): string | null =>
  /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(headers.get('x-linked-etag') ?? '')?.[1] ?? null;

function refusalOf(
  { status, headers }: Response,
  { repository, revision, file }: HubFile,
  { endpoint, token }: HubSettings,
  isHub: boolean,
): NotFetched {
  const says = `the ${isHub ? 'hub' : 'server that it redirects to'} answered ${status}`;
  if (passingAnswers.includes(status)) return new NotFetched(`could not be fetched: ${says}`, true);
  if (!isHub && status === 403)
    return new NotFetched(`could not be fetched: ${says}, perhaps because its link had expired`, true);
  return new NotFetched(`cannot be fetched: ${says}. ${remedyOf()}`, false);

  function remedyOf(): string {
    const error = headers.get('x-error-code');
    if (error === 'GatedRepo')
      return `Its owner gives it to those who accept the terms: accept them at ${endpoint}/${repository}, and set HF_TOKEN, where the worker is started, to a token of that account.`;
    if (status === 401 || status === 403)
      return token === null
        ? `The repository ${repository} is not public, or there is none of that name. Check the name, or set HF_TOKEN where the worker is started.`
        : `The token in HF_TOKEN has expired, or may not read ${repository}. Check the name, or set another token where the worker is started.`;
    if (status !== 404) return 'See that HF_ENDPOINT names the hub.';
    if (error === 'RevisionNotFound')
      return `${repository} has no revision ${revision}. Name a commit, a tag or a branch of it.`;
    if (error === 'EntryNotFound')
      return `${repository} has no ${file} at ${revision}. Name a safetensors file of it by \`file\`.`;
    return `Check the name ${repository}, the revision ${revision} and \`file\`, which is ${file}.`;
  }
}
