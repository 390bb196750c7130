import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRun } from '../../cli/ask-run.ts';
import type { ServerClient } from '../../cli/connection.ts';
import { pendingOf, troubleOf } from '../../cli/pending.ts';
import { troubleText, withTrouble } from '../../cli/trouble.ts';
import type { StepStatus, StepTrouble } from '../../contracts/status.ts';
import { payloadCodec } from '../../payloads/index.ts';
import { stepTroubleSignal } from '../../workflows/messages.ts';
import { type Interpreter, planOf, startInterpreter, step } from '../workflows/interpreter.ts';

const now = Date.parse('2026-11-27T10:00:00.000Z');
const at = (ms: number) => ({ seconds: Math.floor((now + ms) / 1000), nanos: 0 }) as never;
const lastFailure = { message: 'No space is left.\nFree some.', applicationFailureInfo: { type: 'DiskFull' } };

describe('what is said of a step that is tried again', () => {
  it('which attempt failed, why, and when the next begins', () => {
    const trouble = troubleOf({ state: 1, attempt: 4, lastFailure, nextAttemptScheduleTime: at(16_000) }, now);
    expect(trouble).toMatchObject({ attempt: 4, error: { type: 'DiskFull' }, stuck: false });
    expect(troubleText(trouble as StepTrouble, now)).toBe(
      'attempt 3 failed: No space is left. Free some. (attempt 4 in 16 s)',
    );
  });

  it('after five failures, that it is stuck', () => {
    const trouble = troubleOf({ state: 1, attempt: 6, lastFailure, nextAttemptScheduleTime: at(30_000) }, now);
    expect(troubleText(trouble as StepTrouble, now)).toBe(
      'stuck: failed 5 times, the last time: No space is left. Free some. (attempt 6 in 30 s)',
    );
  });

  it('no longer that it is stuck once an attempt lasts', () => {
    const pending = { state: 2, attempt: 9, lastFailure };
    expect(troubleOf({ ...pending, lastStartedTime: at(-5_000) }, now)?.stuck).toBe(true);
    expect(troubleOf({ ...pending, lastStartedTime: at(-90_000) }, now)).toMatchObject({ stuck: false, nextTry: null });
  });

  it('that its worker went away, where that was it', () => {
    const timeout = { message: 'activity Heartbeat timeout', timeoutFailureInfo: {} };
    expect(troubleOf({ state: 2, attempt: 2, lastFailure: timeout }, now)?.error).toEqual({
      type: 'Timeout',
      message: 'Its worker went away or took too long (activity Heartbeat timeout).',
    });
  });

  it('the beginning of a failure that Temporal found too large', () => {
    const replaced = { message: 'Failure exceeds size limit.', serverFailureInfo: {}, cause: lastFailure };
    expect(troubleOf({ state: 2, attempt: 2, lastFailure: replaced }, now)?.error).toEqual({
      type: 'DiskFull',
      message: lastFailure.message,
    });
  });

  it('nothing, where nothing failed', () => {
    expect(troubleOf({ state: 2, attempt: 1 }, now)).toBeNull();
  });
});

describe('a run on the real server', () => {
  let interpreter: Interpreter;
  let server: ServerClient;
  beforeAll(async () => {
    interpreter = await startInterpreter();
    const { client, connection } = interpreter.environment;
    const codec = payloadCodec(null);
    server = { client, lister: client, codec, connection, address: 'here', namespace: 'default' } as ServerClient;
  }, 180_000);
  afterAll(() => interpreter.stop(), 60_000);

  const start = (run: string, ...steps: Parameters<typeof planOf>[0][number][]) =>
    server.client.workflow.start('pipeline', {
      workflowId: run,
      taskQueue: 'contrail',
      args: [{ plan: planOf(steps), resume: false }],
      workflowExecutionTimeout: '2m',
    });
  /** A step of the run as `contrail status` sees it, once it is as wanted. */
  async function seen(run: string, id: string, wanted: (step: StepStatus, waits: string) => boolean) {
    for (;;) {
      const answer = await askRun(server, run);
      if (answer.kind === 'status') {
        const activities = await pendingOf(server, run, answer.status.steps);
        const found = withTrouble(answer.status, activities).steps.find((each) => each.id === id);
        if (found && wanted(found, activities[id]?.waits ?? '')) return found;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it('shows of a failing step its attempts, the last failure and the next try', async () => {
    interpreter.behaviours.set('failing/a', { failures: 100, broken: false, ms: 0 });
    const retry = { initialInterval: 300, backoffCoefficient: 1, maximumInterval: 20_000 };
    const handle = await start('failing', step('a', [], { value: 9001, retry }));
    const found = await seen('failing', 'a', ({ trouble }) => trouble?.nextTry != null && trouble.attempt > 2);
    expect(found.trouble).toMatchObject({ error: { type: 'Scripted', message: 'as the test wants it' } });
    expect(found.attempts).toBe(found.trouble?.attempt);
    expect((await seen('failing', 'a', ({ trouble }) => trouble?.stuck === true)).trouble?.attempt).toBeGreaterThan(5);
    await handle.terminate();
  });

  it('shows in its current details what it was told of a failing step, until that goes on', async () => {
    interpreter.behaviours.set('told/a', { failures: 0, broken: false, ms: 60_000 });
    const handle = await start('told', step('a', [], { value: 9005 }));
    await seen('told', 'a', ({ state }) => state === 'running');
    const details = async () =>
      (await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata')).currentDetails;
    const failed = { attempt: 5, type: 'DiskFull', message: 'No space | left.', nextTry: '2026-11-27T10:00:16.000Z' };
    await handle.signal(stepTroubleSignal, { step: 'a', failed });
    expect(await details()).toMatch(
      /^\*\*a\*\* is \*\*stuck\*\*: attempt 5 failed: No space .* Attempt 6 from 2026-11-27 10:00:16 UTC on/,
    );
    await handle.signal(stepTroubleSignal, { step: 'a', failed: null });
    expect(await details()).toMatch(/^\| step/);
    await handle.signal(stepTroubleSignal, { step: 'nobody', failed });
    expect(await details()).toMatch(/^\| step/);
    await handle.terminate();
  });

  it('shows why the look-up before a step fails', async () => {
    const { exists, read } = interpreter.store;
    const sick =
      <T>(work: (path: string) => Promise<T>) =>
      async (path: string) => {
        if (!path.startsWith('runs/sick/')) return work(path);
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', path: `/store/${path}` });
      };
    Object.assign(interpreter.store, { exists: sick(exists), read: sick(read) });
    const handle = await start('sick', step('a', [], { value: 9002 }));
    const found = await seen('sick', 'a', ({ trouble }) => trouble !== undefined);
    expect(found.trouble?.error).toMatchObject({
      type: 'StoreUnreadable',
      message: expect.stringContaining('It is tried again until it answers.'),
    });
    Object.assign(interpreter.store, { exists, read });
    await handle.terminate();
  });

  it('tells a queue that nobody serves from one whose slots are taken', async () => {
    interpreter.behaviours.set('queued/full', { failures: 0, broken: false, ms: 60_000 });
    const handle = await start('queued', step('lonely', [], { value: 9003, queue: 'nobodys' }));
    await seen(
      'queued',
      'lonely',
      (_, waits) => waits === 'waits for queue nobodys: no worker serves it, or all are busy',
    );
    await handle.terminate();
  });

  it('of a server that does not answer is waited for by name, until an interrupt', async () => {
    const connection = Connection.lazy({ address: '127.0.0.1:9' });
    const gone = { client: new Client({ connection }), connection, address: '127.0.0.1:9' } as ServerClient;
    const silent = { kind: 'silent', why: 'The server at 127.0.0.1:9 does not answer. Waiting for it.' };
    expect(await askRun(gone, 'r')).toEqual(silent);
    const interrupt = new AbortController();
    const answer = askRun(gone, 'r', interrupt.signal);
    interrupt.abort();
    expect(await answer).toEqual(silent);
    await connection.close();
  });

  it('that has ended, or is not there, is told apart', async () => {
    const handle = await start('short', step('a', [], { value: 9004 }));
    await handle.result();
    expect(await askRun(server, 'short')).toEqual({ kind: 'ended' });
    await expect(askRun(server, 'never')).rejects.toMatchObject({ code: 'RunNotFound' });
  });
});
