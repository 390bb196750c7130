import { ContrailError } from '../contracts/errors.ts';
import type { EndpointOptions } from '../worker/metrics/index.ts';
import { authorityOf, tokenIn } from './listening.ts';

/** What the command line says of metrics. */
export interface MetricsFlags {
  readonly metricsPort?: number;
  readonly metricsHost?: string;
  readonly metricsAllowHost?: readonly string[];
}

const tokenVariable = 'CONTRAIL_METRICS_TOKEN';
/** Every address of the machine. */
const anyAddress: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/**
 * Where a worker answers with its metrics, and to whom; null where it does not.
 *
 * @throws ContrailError Usage for a host without a port, a token that anybody could guess, and an endpoint that pages of any site could read
 */
export function metricsEndpoint({
  metricsPort: port,
  metricsHost,
  metricsAllowHost = [],
}: MetricsFlags): EndpointOptions | null {
  if (port === undefined) {
    if (metricsHost === undefined && metricsAllowHost.length === 0) return null;
    throw new ContrailError(
      'Usage',
      '--metrics-host and --metrics-allow-host say who reaches the metrics; --metrics-port must say at which port.',
    );
  }
  const host = metricsHost ?? '127.0.0.1';
  const token = tokenIn(tokenVariable);
  const isAny = anyAddress.has(host);
  if (isAny && token === null && metricsAllowHost.length === 0)
    throw new ContrailError(
      'Usage',
      `At ${host} any page in a browser of your network could read the metrics. Name the address of this machine with --metrics-host, or the names by which Prometheus asks with --metrics-allow-host, or set ${tokenVariable}, to the output of \`openssl rand -hex 32\` say.`,
    );
  return { host, port, token, allowedHosts: isAny ? metricsAllowHost : [host, ...metricsAllowHost] };
}

/** Where the metrics are, for a person. */
export const metricsUrl = (host: string, port: number): string => `http://${authorityOf(host, port)}/metrics`;
