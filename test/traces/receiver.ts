import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import protobuf from 'protobufjs';
import { z } from 'zod';

/** The messages of opentelemetry-proto 1.x that a trace is sent in, as far as the tests look at them. */
const { root } = protobuf.parse(`
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  bytes parent_span_id = 4;
  string name = 5;
  fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9;
  Status status = 15;
}
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
`);
const request = root.lookupType('Request');

const hex = z.instanceof(Uint8Array).transform((bytes) => Buffer.from(bytes).toString('hex'));
const attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.union([z.string(), z.boolean(), z.number()])) }))
  .default([])
  .transform((each) => Object.fromEntries(each.map(({ key, value }) => [key, Object.values(value)[0]])));
const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: hex,
              spanId: hex,
              parentSpanId: hex.optional(),
              name: z.string(),
              startTimeUnixNano: z.number(),
              endTimeUnixNano: z.number(),
              attributes,
              status: z.object({ code: z.number().default(0), message: z.string().default('') }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly service: unknown;
  readonly traceId: string;
  readonly spanId: string;
  /** Null where it begins a trace. */
  readonly parent: string | null;
  readonly name: string;
  /** In milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly failed: string | null;
}

/** A collector on loopback, which keeps the spans that it gets by OTLP over HTTP. */
export interface Receiver {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  readonly paths: ReadonlySet<string>;
  readonly close: () => Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const spans: ReceivedSpan[] = [];
  const paths = new Set<string>();
  const server = createServer(async (incoming, answer) => {
    paths.add(`${incoming.method} ${incoming.url} ${incoming.headers['content-type']}`);
    spans.push(...read(await buffer(incoming)));
    answer.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    paths,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function read(body: Uint8Array): ReceivedSpan[] {
  const { resourceSpans } = requestSchema.parse(request.toObject(request.decode(body), { longs: Number }));
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId, name, startTimeUnixNano, endTimeUnixNano, attributes, status }) => ({
        service: resource.attributes['service.name'],
        traceId,
        spanId,
        parent: parentSpanId || null,
        name,
        start: startTimeUnixNano / 1e6,
        end: endTimeUnixNano / 1e6,
        attributes,
        failed: status?.code === 2 ? status.message : null,
      })),
  );
}
