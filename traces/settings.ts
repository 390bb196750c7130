type Environment = Readonly<Record<string, string | undefined>>;

/** Of traces alone first: it goes before that of all signals. */
const endpoints = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;
const protocols = ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const;
const spoken = 'http/protobuf';

/** Where traces go, without user and password. */
export interface TraceSettings {
  readonly origin: string;
}

/**
 * Whether the standard variables of OpenTelemetry ask for traces. Only a named endpoint does: without one nothing is loaded or sent.
 *
 * @param say is told of settings that cannot be followed; there are no traces then, and everything else goes on
 * @returns null for no traces
 */
export function traceSettings(environment: Environment, say: (line: string) => void): TraceSettings | null {
  // An empty variable counts as one that is not set.
  const read = (name: string) => environment[name]?.trim() || undefined;
  const named = endpoints.find((name) => read(name) !== undefined);
  if (named === undefined || read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const exporters = (read('OTEL_TRACES_EXPORTER') ?? 'otlp').split(',').map((each) => each.trim());
  if (!exporters.includes('otlp')) return null;
  const protocol = protocols.find((name) => read(name) !== undefined);
  if (protocol !== undefined && read(protocol) !== spoken) {
    say(
      `There are no traces: ${protocol} is ${read(protocol)}, and Contrail speaks ${spoken}. Set it to that, and the port to the collector's for HTTP, usually 4318.`,
    );
    return null;
  }
  const text = read(named) ?? '';
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    say(`There are no traces: ${named} is no address that begins with http:// or https://.`);
    return null;
  }
  return { origin: url.origin };
}
