import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../cli/ports.ts';
import {
  currentLink,
  formatTraceparent,
  openTraces,
  parseTraceparent,
  spanIdOf,
  traceEnvironment,
  traceIdOf,
  within,
} from '../../traces/index.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const link = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', sampled: true };
const text = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a traceparent', () => {
  it('is read as it is written', () => {
    expect(formatTraceparent(link)).toBe(text);
    expect(parseTraceparent(text)).toEqual(link);
    expect(parseTraceparent(` ${formatTraceparent({ ...link, sampled: false })}\n`)).toEqual({
      ...link,
      sampled: false,
    });
  });

  it('of a version to come is read as far as this one knows it', () => {
    expect(parseTraceparent(`${text.replace(/^00/, 'cc')}-what-follows`)).toEqual(link);
  });

  it.each([
    '',
    'x',
    text.replace(/^00/, 'ff'),
    `${text}-more`,
    text.toUpperCase(),
    text.replace(/b7\w+/, '0'.repeat(16)),
    text.replace(/0af\w+/, '0'.repeat(32)),
  ])('is not %j', (other) => expect(parseTraceparent(other)).toBeNull());
});

describe('ids of an execution', () => {
  it('follow from its own', () => {
    const execution = '019b0f3e-9d5c-7a11-8c1e-0123456789ab';
    expect(traceIdOf(execution)).toBe('019b0f3e9d5c7a118c1e0123456789ab');
    expect(spanIdOf(execution)).toBe('8c1e0123456789ab');
  });
});

describe('the span that work is in', () => {
  it('is told to programs of the user, and only where there is one', async () => {
    expect(traceEnvironment()).toEqual({});
    await within(link, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect(currentLink()).toEqual(link);
      expect(traceEnvironment()).toEqual({ TRACEPARENT: text });
    });
    expect(currentLink()).toBeNull();
  });
});

const said: string[] = [];
const sender = { service: 'tested', version: '1', say: (line: string) => void said.push(line) };
const open = (environment: Record<string, string>) => openTraces(sender, environment);

describe('traces', () => {
  let receiver: Receiver | undefined;
  afterEach(async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
    said.length = 0;
    await receiver?.close();
    receiver = undefined;
  });

  it('are off unless an endpoint is named', async () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
    expect(await open({})).toBeNull();
    expect(await open({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toBeNull();
    expect(await open({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' })).toBeNull();
    expect(await open({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBeNull();
    expect(said).toEqual([]);
  });

  it('are off, with the reason said, where the variables ask for what there is not', async () => {
    expect(
      await open({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }),
    ).toBeNull();
    expect(await open({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'user:secret@collector' })).toBeNull();
    expect(said).toEqual([
      "There are no traces: OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and Contrail speaks http/protobuf. Set it to that, and the port to the collector's for HTTP, usually 4318.",
      'There are no traces: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is no address that begins with http:// or https://.',
    ]);
  });

  it('reach a collector, with the ids, times and parents that were given', async () => {
    receiver = await startReceiver();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url;
    process.env.OTEL_SERVICE_NAME = 'named';
    const traces = await openTraces(sender);
    const outer = traces?.begin('outer', { parent: link, at: 1000, ids: { spanId: 'aaaaaaaaaaaaaaaa' } });
    const inner = traces?.begin('inner', { parent: outer?.link ?? null, attributes: { epoch: 3, left: undefined } });
    inner?.end({ failed: 'TrainerCrashed' });
    outer?.end({ at: 2000 });
    await traces?.close(10_000);
    const { traceId, spanId } = link;
    const of = { service: 'named', traceId };
    expect(receiver.spans).toEqual([
      expect.objectContaining({ ...of, name: 'inner', parent: 'aaaaaaaaaaaaaaaa', failed: 'TrainerCrashed' }),
      expect.objectContaining({ ...of, name: 'outer', parent: spanId, start: 1000, end: 2000, failed: null }),
    ]);
    expect(receiver.spans[0]?.attributes).toEqual({ epoch: 3, 'error.type': 'TrainerCrashed' });
    expect([...receiver.paths]).toEqual(['POST /v1/traces application/x-protobuf']);
    expect(said).toEqual([]);
  });

  it('are left out where the sampler leaves them out, or the trace is not recorded', async () => {
    receiver = await startReceiver();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = receiver.url;
    process.env.OTEL_TRACES_SAMPLER = 'parentbased_always_off';
    const traces = await openTraces(sender);
    expect(traces?.samples(link.traceId)).toBe(false);
    traces?.begin('root', { parent: null }).end();
    traces?.begin('unrecorded', { parent: { ...link, sampled: false } }).end();
    traces?.begin('recorded', { parent: link }).end();
    await traces?.close(10_000);
    expect(receiver.spans.map(({ name }) => name)).toEqual(['recorded']);
  });

  it('wait for no collector that is away, and say so once', async () => {
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://user:secret@127.0.0.1:${await freePort()}/somewhere`;
    process.env.OTEL_EXPORTER_OTLP_TIMEOUT = '300';
    process.env.OTEL_BSP_SCHEDULE_DELAY = '10';
    process.env.OTEL_BSP_MAX_QUEUE_SIZE = '100';
    process.env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE = '50';
    const traces = await openTraces(sender);
    const tell = () => said.filter((line) => line.startsWith('Traces do not reach'));
    for (let turn = 0; turn < 3000 && tell().length === 0; turn++) {
      for (let each = 0; each < 50; each++) traces?.begin('lost', { parent: null }).end();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (let each = 0; each < 500; each++) traces?.begin('lost', { parent: null }).end();
    await traces?.close(600_000);
    expect(tell()).toEqual([
      expect.stringMatching(/^Traces do not reach http:\/\/127\.0\.0\.1:\d+: .* Runs go on as ever/),
    ]);
    expect(said.join()).not.toContain('secret');
  });
});
