import { ContrailError } from '../contracts/errors.ts';
import { shortestToken } from '../contracts/serving.ts';
import { hasCode } from '../contracts/system-errors.ts';

/**
 * The token that a variable holds; null where it holds none.
 *
 * @throws ContrailError Usage for one that anybody could guess
 */
export function tokenIn(variable: string): string | null {
  const token = process.env[variable];
  if (token === undefined || token === '') return null;
  if (token.length < shortestToken || !/^[\x21-\x7e]+$/.test(token))
    throw new ContrailError(
      'Usage',
      `${variable} must have at least ${shortestToken} characters, of ASCII and without spaces. \`openssl rand -hex 32\` makes one.`,
    );
  return token;
}

/** Where a server listens, as a URL has it. */
export const authorityOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`;

/**
 * Why a port cannot be had, from what Node says; null where that is something else.
 *
 * @param options by which the port is given, and the host where it can be
 */
export function listenError(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
  options: { readonly host?: string; readonly port: string },
): ContrailError | null {
  if (hasCode(error, 'EADDRINUSE'))
    return new ContrailError(
      'Usage',
      `Port ${port} of ${host} is taken. Stop what uses it, or choose another with ${options.port}.`,
    );
  if (options.host !== undefined && (hasCode(error, 'EADDRNOTAVAIL') || hasCode(error, 'ENOTFOUND')))
    return new ContrailError(
      'Usage',
      `${host} is no address of this machine. Leave ${options.host} out, or name one that is.`,
    );
  if (hasCode(error, 'EACCES'))
    return new ContrailError(
      'Usage',
      `Port ${port} may not be used by this user. Choose one from 1024 with ${options.port}.`,
    );
  return null;
}
