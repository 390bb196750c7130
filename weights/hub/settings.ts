import { homedir } from 'node:os';
import { join } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';

/** How the Hugging Face hub is used, by the variables of its own library. */
export interface HubSettings {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** Sent to the endpoint's origin alone, and said nowhere. */
  readonly token: string | null;
  readonly offline: boolean;
  /** What the hub's own library has fetched; it is only read. */
  readonly libraryCache: string;
}

const isTrue = (text: string | undefined) => ['1', 'ON', 'YES', 'TRUE'].includes((text ?? '').toUpperCase());

/**
 * @param environment `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE`, `HF_HUB_CACHE`, `HF_HOME`
 * @throws ContrailError InvalidInput where `HF_ENDPOINT` is no URL, or `HF_TOKEN` no token
 */
export function hubSettings(environment: Readonly<Record<string, string | undefined>>): HubSettings {
  const { HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME } = environment;
  const endpoint = (HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    throw new ContrailError(
      'InvalidInput',
      'HF_ENDPOINT must be an http or https URL without a user name and a password. Correct it, or unset it.',
    );
  const token = HF_TOKEN?.trim() || null;
  // What a header cannot hold fails at every attempt, and the error of it shows the token.
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    throw new ContrailError(
      'InvalidInput',
      'HF_TOKEN has spaces or other characters that no token has. Copy it again, or unset it.',
    );
  const home = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint,
    token,
    offline: isTrue(HF_HUB_OFFLINE),
    libraryCache: HF_HUB_CACHE || join(home, 'hub'),
  };
}
