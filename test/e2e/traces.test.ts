import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { historyKeys } from '../payloads/test-keys.ts';
import { type ReceivedSpan, type Receiver, startReceiver } from '../traces/receiver.ts';
import { runCommand, runForJson } from './command.ts';
import { smallPipeline, startTestEnvironment, type TestEnvironment } from './environment.ts';

/**
 * A run whose trainer is killed, with keys, and what a collector gets of it: the command, the workflows, each attempt and what the
 * trainers did are one trace. A run of a schedule is a trace of its own.
 */
let environment: TestEnvironment;
let receiver: Receiver;
const settings = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_BSP_SCHEDULE_DELAY', 'CONTRAIL_PAYLOAD_KEYS'] as const;
beforeAll(async () => {
  receiver = await startReceiver();
  const values = [receiver.url, '200', historyKeys];
  for (const [at, name] of settings.entries()) process.env[name] = values[at];
  environment = await startTestEnvironment(['--own-steps']);
}, 120_000);
afterAll(async () => {
  await environment.stop();
  for (const name of settings) delete process.env[name];
  await receiver.close();
}, 60_000);

const outer = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

const told = `
name: told
steps:
  tell:
    uses: run
    with:
      shell: true
      command: ['echo "{\\"trace\\": \\"$TRACEPARENT\\"}" > "$CONTRAIL_RESULT"']
`;

/** The spans of a trace, once the collector has that of a workflow. */
async function traceOf(isSo: (span: ReceivedSpan) => boolean): Promise<readonly ReceivedSpan[]> {
  for (;;) {
    const found = receiver.spans.find(isSo);
    if (found) return receiver.spans.filter(({ traceId }) => traceId === found.traceId);
    await sleep(100);
  }
}

describe('a run that a command starts', () => {
  let spans: readonly ReceivedSpan[];
  const named = (name: string) => spans.filter((span) => span.name === name);
  const only = (name: string): ReceivedSpan => {
    const [span, ...more] = named(name);
    if (!span || more.length > 0) throw new Error(`${named(name).length} spans are called ${name}`);
    return span;
  };
  const parentOf = ({ parent }: ReceivedSpan) => spans.find(({ spanId }) => spanId === parent)?.name;

  beforeAll(async () => {
    const file = join(environment.home.folder, 'small.yaml');
    await writeFile(file, smallPipeline({ epochs: 2 }));
    const command = runCommand(environment.home, ['run', file, '--id', 'traced'], {
      TRACEPARENT: `00-${outer.traceId}-${outer.spanId}-01`,
    });
    // A title of its own: whichever tests run beside it, no other trainer is of this run.
    while (!environment.trainerRuns('traced')) await sleep(50);
    await environment.killTrainer('traced');
    const { code, stderr } = await command;
    expect(code, stderr).toBe(0);
    spans = await traceOf(({ name, traceId }) => name === 'pipeline' && traceId === outer.traceId);
  });

  it('is one trace, within that of whoever ran the command', () => {
    expect(only('contrail run')).toMatchObject({ parent: outer.spanId, service: 'contrail', failed: null });
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([outer.traceId]));
    const known = new Set([outer.spanId, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parent }) => parent === null || !known.has(parent))).toEqual([]);
    expect(known.size).toBe(spans.length + 1);
  });

  it('has a span for each workflow, within what started it', () => {
    expect(parentOf(only('pipeline'))).toBe('contrail run');
    expect(only('pipeline').attributes).toMatchObject({
      'contrail.pipeline': 'small',
      'contrail.outcome': 'done',
      'temporal.workflow.id': 'traced',
    });
    expect(parentOf(only('training'))).toBe('pipeline');
  });

  it('has a span for each attempt, that which lost its trainer included', () => {
    const attempts = named('trainEpoch').filter(
      ({ attributes }) =>
        attributes['temporal.activity.id'] === named('trainEpoch')[0]?.attributes['temporal.activity.id'],
    );
    expect(attempts.map(({ attributes, failed }) => [attributes['contrail.attempt'], failed])).toEqual([
      [1, 'TrainerCrashed'],
      [2, null],
    ]);
    expect(new Set(named('trainEpoch').map(parentOf))).toEqual(new Set(['training']));
    expect(attempts[0]?.attributes).toMatchObject({
      'contrail.run': 'traced',
      'contrail.step': 'pretrain',
      'contrail.queue': 'gpu',
    });
    expect(parentOf(only('prepare-data'))).toBe('pipeline');
  });

  it('has spans of what the trainers did, within the attempts that asked for it', () => {
    expect(named('epoch 1').map(({ failed }) => failed)).toEqual(['TrainerCrashed', null]);
    for (const epoch of [...named('epoch 1'), only('epoch 2')]) expect(parentOf(epoch)).toBe('trainEpoch');
    expect(new Set(named('epoch 1').map(({ parent }) => parent)).size).toBe(2);
    const checkpoints = named('checkpoint');
    expect(checkpoints.length).toBeGreaterThanOrEqual(2);
    for (const checkpoint of checkpoints) {
      expect(parentOf(checkpoint)).toMatch(/^(epoch [12]|finish-training)$/);
      expect(checkpoint.attributes['contrail.checkpoint.bytes']).toBeGreaterThan(0);
    }
    const evaluations = named('evaluate');
    expect(evaluations.map(parentOf).sort()).toEqual(['evaluate', 'pipeline']);
    expect(spans.some((span) => parentOf(span) === 'evaluate' && span.name !== 'evaluate')).toBe(true);
  });

  it('has no span that ends before it begins', () => {
    expect(spans.filter(({ start, end }) => end < start)).toEqual([]);
  });
});

describe('a run that a schedule starts', () => {
  it('is a trace of its own, which programs of the user are told of', async () => {
    const file = join(environment.home.folder, 'told.yaml');
    await writeFile(file, told);
    await runForJson(environment.home, ['schedule', 'create', file, '--every', '24h']);
    const { run } = (await runForJson(environment.home, ['schedule', 'trigger', 'told'])) as { readonly run: string };
    const spans = await traceOf(({ name }) => name === 'scheduledRun');
    const root = spans.find(({ name }) => name === 'scheduledRun');
    const pipeline = spans.find(({ name }) => name === 'pipeline');
    const attempt = spans.find(({ name }) => name === 'run');
    expect(root?.parent).toBeNull();
    expect(pipeline).toMatchObject({ parent: root?.spanId, attributes: { 'temporal.workflow.id': run } });
    expect(attempt?.parent).toBe(pipeline?.spanId);
    const { tell } = await environment.result(run);
    expect(tell).toMatchObject({ trace: `00-${root?.traceId}-${attempt?.spanId}-01` });
  });
});

describe('what Temporal holds', () => {
  it('has the trace of a command encrypted, and no trace of the commands that started nothing', async () => {
    const { client } = environment.client();
    const { events } = await client.workflow.getHandle('traced').fetchHistory();
    const header = events?.[0]?.workflowExecutionStartedEventAttributes?.header?.fields?.['contrail-trace'];
    const encoding = Buffer.from(header?.metadata?.encoding ?? []).toString();
    expect(encoding).toBe('binary/encrypted');
    expect(Buffer.from(header?.data ?? []).toString('latin1')).not.toContain(outer.traceId);
    expect(new Set(receiver.spans.filter(({ service }) => service === 'contrail').map(({ name }) => name))).toEqual(
      new Set(['contrail run']),
    );
  });
});
