import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import { ContrailError } from '../contracts/errors.ts';
import { explained, hasCode } from '../contracts/system-errors.ts';
import { editDistance } from '../pipelines/language/problems/nearest.ts';
import { tlsProblems } from './tls-files.ts';

/** The variables of Temporal's that say how to reach a server. */
const known = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_API_KEY',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_TLS',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_CERT_DATA',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_DATA',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_DATA',
  'TEMPORAL_TLS_SERVER_NAME',
];
/** Variables that name a server, or where one is named. */
const namers = ['TEMPORAL_ADDRESS', 'TEMPORAL_PROFILE', 'TEMPORAL_CONFIG_FILE'];
/** What Kubernetes gives every container for a service whose name begins with "temporal". */
const ofKubernetes = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;
const slipDistance = 2;
const abbreviationLength = 'TEMPORAL_ADDR'.length;
/** What a key may have, which goes into a header. */
const inHeader = /^[\x21-\x7e]+$/;
const highestPort = 65_535;
const mostFileBytes = 2 ** 20;
const truth = ['1', 'true', '0', 'false'];

/** How to reach a Temporal server. */
export interface TemporalSettings {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
  readonly namespace: string;
  /** A variable names the server, rather than a file of settings that is read unasked. */
  readonly named: boolean;
}

/**
 * What the environment, and the file of settings that it names, say of the server.
 *
 * @throws ContrailError Usage for variables that nobody reads, that are empty, or that contradict each other; for files that
 * are not there, cannot be read, or are no certificate or key; and for a key that would be sent in clear
 */
export function temporalSettings(environment: NodeJS.ProcessEnv = process.env): TemporalSettings {
  const problems = Object.entries(environment).flatMap(([name, value]) => problemOf(name, value ?? ''));
  for (const kind of [['CERT', 'KEY'] as const, ['KEY', 'CERT'] as const]) {
    const [given, missing] = kind.map((part) =>
      ['PATH', 'DATA'].some((form) => environment[`TEMPORAL_TLS_CLIENT_${part}_${form}`] !== undefined),
    );
    if (given && !missing)
      problems.push(`TEMPORAL_TLS_CLIENT_${kind[0]}_… is set, and TEMPORAL_TLS_CLIENT_${kind[1]}_PATH is missing.`);
  }
  problems.push(...switchedOff(environment));
  if (problems.length > 0) throw new ContrailError('Usage', problems.join('\n'));
  const { connectionOptions, namespace = 'default' } = load(environment);
  const { apiKey, tls, address } = connectionOptions;
  const inFiles = tlsProblems(tls, (setting) => sourceOf(setting, environment));
  if (inFiles.length > 0) throw new ContrailError('Usage', inFiles.join('\n'));
  if (tls && address === undefined)
    throw new ContrailError(
      'Usage',
      'TLS or an API key is set, and no server is named: the one of this machine would be asked in clear. Set TEMPORAL_ADDRESS, or unset TEMPORAL_API_KEY and what begins with TEMPORAL_TLS.',
    );
  if (apiKey !== undefined && !tls && address !== undefined && !isLoopback(address))
    throw new ContrailError(
      'Usage',
      `The API key would go to ${address} in clear, since TLS is off. Set TEMPORAL_TLS=true, or unset the API key.`,
    );
  return { connectionOptions, namespace, named: namers.some((name) => environment[name] !== undefined) };
}

/** Certificates say that a connection is to be secure, and nobody means to have them passed over. */
function switchedOff(environment: NodeJS.ProcessEnv): string[] {
  const off = ['0', 'false'].includes(environment.TEMPORAL_TLS ?? '');
  const set = known.filter((name) => name.startsWith('TEMPORAL_TLS_') && environment[name] !== undefined);
  return off && set.length > 0
    ? [
        `TEMPORAL_TLS is ${environment.TEMPORAL_TLS}, and ${set.join(', ')} would be passed over. Unset one or the other.`,
      ]
    : [];
}

/** The variable that has a certificate or a key, or that names its file. */
const sourceOf = (setting: string, environment: NodeJS.ProcessEnv): string =>
  ['PATH', 'DATA'].map((form) => `TEMPORAL_TLS_${setting}_${form}`).find((name) => environment[name] !== undefined) ??
  `${setting} of Temporal's file of settings`;

function problemOf(name: string, value: string): string[] {
  if (known.includes(name)) {
    if (value === '') return [`${name} is empty; unset it, or give it a value.`];
    // The library's own message would quote the key.
    if (name === 'TEMPORAL_API_KEY' && !inHeader.test(value))
      return [`${name} holds a line break, a space or another character that no key has; take it out.`];
    if (name === 'TEMPORAL_ADDRESS' && value.includes('@'))
      return [`${name} must be host:port, without a user or password; TEMPORAL_API_KEY holds a key.`];
    if (name === 'TEMPORAL_ADDRESS' && !isAddress(value))
      return [`${name} is ${JSON.stringify(value)}; it must be host or host:port, with a port from 1 to 65535.`];
    if (name === 'TEMPORAL_TLS' && !truth.includes(value))
      return [`${name} is ${value}; allowed: ${truth.join(', ')}.`];
    return name.endsWith('_PATH') || name === 'TEMPORAL_CONFIG_FILE' ? fileProblem(name, value) : [];
  }
  if (!name.startsWith('TEMPORAL') || ofKubernetes.test(name)) return [];
  const nearest = known.find(
    (each) => editDistance(each, name) <= slipDistance || (each.startsWith(name) && name.length >= abbreviationLength),
  );
  if (nearest === undefined && !name.startsWith('TEMPORAL_TLS_')) return [];
  const names = nearest ?? `one of ${known.filter((each) => each.startsWith('TEMPORAL_TLS')).join(', ')}`;
  return [`There is no variable ${name}, so it would be passed over. Did you mean ${names}?`];
}

/** The library does not say which of several files it was that it could not read. */
function fileProblem(name: string, path: string): string[] {
  try {
    const found = statSync(path);
    if (!found.isFile()) return [`${name}: ${path} is no file.`];
    if (found.size > mostFileBytes) return [`${name}: ${path} is larger than any certificate or file of settings.`];
    readFileSync(path);
    return [];
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [`${name}: there is no file ${path}.`];
    return [`${name}: ${explained(error)?.message ?? `${path} cannot be read.`}`];
  }
}

function load(environment: NodeJS.ProcessEnv): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ overrideEnvVars: environment as Record<string, string> });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ContrailError('Usage', `Temporal's settings cannot be read: ${explained(cause)?.message ?? reason}`, {
      cause,
    });
  }
}

function isAddress(text: string): boolean {
  const found = /^(?:\[[0-9A-Fa-f:.%]+\]|[^\s:/\\[\]]+)(?::(\d+))?$/.exec(text);
  return found !== null && (found[1] === undefined || (Number(found[1]) > 0 && Number(found[1]) <= highestPort));
}

/** Whether an address, with or without a port, is on this machine. */
export function isLoopback(address: string): boolean {
  const { host } = hostAndPort(address);
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** The parts of `host`, `host:port` and `[::1]:port`. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const [, six, name = address, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(address) ?? [];
  return { host: six ?? name, port: Number(port ?? 7233) };
}
