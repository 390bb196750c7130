import { setTimeout as delay } from 'node:timers/promises';
import {
  DiagLogLevel,
  diag,
  type Attributes as OtelAttributes,
  ROOT_CONTEXT,
  type SpanContext,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  RandomIdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Link } from './link.ts';
import { unreachable } from './reachable.ts';
import type { Attributes, OpenSpan, SpanOptions, Traces } from './spans.ts';

/** Who sends spans, and who is told what is wrong with that. */
export interface Sender {
  /** Where they go, for messages. */
  readonly origin: string;
  /** @default that of OTEL_SERVICE_NAME, and this where there is none */
  readonly service: string;
  readonly version: string;
  readonly say: (line: string) => void;
}

/** Sends spans by OTLP over HTTP, as the standard variables of OpenTelemetry say: endpoint, headers, certificates, sampler, queue. */
export function openOtlp(sender: Sender): Traces {
  hearOnce(sender.say);
  const outage = tellOutage(sender);
  const ids = choosableIds();
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': sender.service, 'service.version': sender.version }))
      .merge(detectResources({ detectors: [envDetector] })),
    idGenerator: ids.generator,
    spanProcessors: [new BatchSpanProcessor(watched(new OTLPTraceExporter(), outage))],
  });
  const tracer = provider.getTracer('contrail', sender.version);
  const start = (name: string, { parent, at, ids: chosen = {}, attributes = {} }: SpanOptions) =>
    ids.choose(chosen, () =>
      tracer.startSpan(
        name,
        { ...(at === undefined ? {} : { startTime: new Date(at) }), attributes: known(attributes) },
        parent ? trace.setSpanContext(ROOT_CONTEXT, contextOf(parent)) : ROOT_CONTEXT,
      ),
    );
  return {
    begin: (name, options): OpenSpan => {
      const span = start(name, options);
      return {
        link: linkOf(span.spanContext()),
        set: (attributes) => void span.setAttributes(known(attributes)),
        end: ({ failed, at } = {}) => {
          if (failed !== undefined) {
            span.setAttribute('error.type', failed);
            span.setStatus({ code: SpanStatusCode.ERROR, message: failed });
          }
          span.end(at === undefined ? undefined : new Date(at));
        },
      };
    },
    // The sampler is asked by a span that never ends, so it is never sent.
    samples: (traceId) => linkOf(start('sampled', { parent: null, ids: { traceId } }).spanContext()).sampled,
    close: async (patienceMs) => {
      // What goes wrong with it is told by `outage`.
      const sent = provider.shutdown().catch(() => undefined);
      // The exporter tries again for long; who waits for it is told soon that nobody is there.
      const why = await unreachable(sender.origin);
      if (why !== null) return outage.failed(why);
      const ended = new AbortController();
      await Promise.race([sent, delay(patienceMs, undefined, { signal: ended.signal }).catch(() => undefined)]);
      ended.abort();
    },
  };
}

const known = (attributes: Attributes): OtelAttributes =>
  Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));

const linkOf = ({ traceId, spanId, traceFlags }: SpanContext): Link => ({
  traceId,
  spanId,
  sampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
});

const contextOf = ({ traceId, spanId, sampled }: Link): SpanContext => ({
  traceId,
  spanId,
  traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
});

type ChosenIds = NonNullable<SpanOptions['ids']>;

/** Random ids, but for spans whose ids follow from something else. */
function choosableIds(): { generator: IdGenerator; choose: <T>(ids: ChosenIds, start: () => T) => T } {
  const random = new RandomIdGenerator();
  let chosen: ChosenIds = {};
  return {
    generator: {
      generateTraceId: () => chosen.traceId ?? random.generateTraceId(),
      generateSpanId: () => chosen.spanId ?? random.generateSpanId(),
    },
    choose: (ids, start) => {
      chosen = ids;
      try {
        return start();
      } finally {
        chosen = {};
      }
    },
  };
}

interface Outage {
  readonly failed: (why: string) => void;
  readonly over: () => void;
}

/** An outage is told when it begins, not with each batch that is lost in it. */
function tellOutage({ origin, say }: Sender): Outage {
  let isTold = false;
  return {
    failed: (why) => {
      if (!isTold)
        say(
          `Traces do not reach ${origin}: ${why.slice(0, 200)}. Runs go on as ever; spans that find no room in the queue are lost.`,
        );
      isTold = true;
    },
    over: () => {
      isTold = false;
    },
  };
}

const watched = (exporter: SpanExporter, outage: Outage): SpanExporter => ({
  export: (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.error) outage.failed(result.error.message);
      else outage.over();
      done(result);
    }),
  forceFlush: async () => exporter.forceFlush?.(),
  shutdown: () => exporter.shutdown(),
});

/** What the libraries warn of, as a variable that cannot be read, is said once each. Failed exports are told by `tellOutage`. */
function hearOnce(say: (line: string) => void): void {
  const said = new Set<string>();
  const quiet = () => {};
  const warn = (message: string) => {
    const kind = message.replace(/\d+/g, '');
    if (said.has(kind)) return;
    said.add(kind);
    say(`Traces: ${message}`);
  };
  diag.setLogger(
    { error: quiet, warn, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
