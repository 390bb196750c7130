import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ContrailError } from '../../../contracts/errors.ts';
import { type ComputeProcess, openLiveModel } from '../../../serving/http/live-model.ts';

/** Processes that die when they are told; the real one is killed in changes.test.ts. Time passes as it is told, too. */
function processes() {
  const starts: number[] = [];
  const lines: string[] = [];
  let fails = 0;
  let die: () => void = () => {};
  const begin = performance.now();
  const start = async (): Promise<ComputeProcess> => {
    starts.push(Math.round(performance.now() - begin));
    if (fails > 0) {
      fails--;
      throw new Error('no memory');
    }
    let onEnd: (why: Error) => void = () => {};
    let fail: (error: Error) => void = () => {};
    const death = new Promise<never>((_, reject) => {
      fail = reject;
    });
    death.catch(() => {});
    die = () => {
      const why = new ContrailError('TrainerCrashed', 'The process of the model was ended by SIGKILL.');
      fail(why);
      onEnd(why);
    };
    return {
      infer: (_, count) =>
        Promise.race([death, Promise.resolve({ embeddings: new Float32Array(count), logits: null })]),
      close: async () => die(),
      onEnd: (listener) => {
        onEnd = listener;
        return () => {};
      },
    };
  };
  return {
    starts,
    lines,
    kill: () => die(),
    failNext: (times: number) => {
      fails = times;
    },
    open: (onRestart = () => {}) =>
      openLiveModel({ start, patienceMs: 5000, onRestart, log: (line) => lines.push(line) }),
  };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

describe('a process that dies', () => {
  it('is replaced at once, and what is asked meanwhile waits for the next', async () => {
    const { kill, open, starts } = processes();
    const restarts = vi.fn();
    const live = await open(restarts);
    await vi.advanceTimersByTimeAsync(60_000);
    kill();
    expect(live.problem()).toBe('The process that computes ended, and another is started.');
    const answer = live.infer(new Uint8Array(2), 2);
    await vi.advanceTimersByTimeAsync(1);
    expect((await answer).embeddings).toHaveLength(2);
    expect(live.problem()).toBeNull();
    expect(starts).toHaveLength(2);
    expect(restarts).toHaveBeenCalledTimes(1);
  });

  it('again and again is replaced ever more slowly, and what waits too long is told to come again', async () => {
    const { kill, open, starts, failNext } = processes();
    const live = await open();
    failNext(5);
    kill();
    const told = expect(live.infer(new Uint8Array(1), 1)).rejects.toMatchObject({ status: 503, retryAfter: 2 });
    await vi.advanceTimersByTimeAsync(5000);
    await told;
    expect(live.problem()).not.toBeNull();
    await vi.advanceTimersByTimeAsync(60_000);
    const pauses = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    expect(pauses).toEqual([0, 500, 1000, 2000, 4000, 8000]);
    expect(live.problem()).toBeNull();
  });

  it('leaves its reason to the operator, in the log and as the cause of a refusal, and not to clients', async () => {
    const { kill, open, lines } = processes();
    const live = await open();
    const asked = live.infer(new Uint8Array(1), 1);
    kill();
    const refusal = await asked.then(
      () => null,
      (error: Error) => error,
    );
    expect(refusal).toMatchObject({
      ...{ message: expect.not.stringContaining('SIGKILL') },
      ...{ cause: { code: 'TrainerCrashed', message: 'The process of the model was ended by SIGKILL.' } },
    });
    expect(lines).toContain('The process of the model was ended by SIGKILL. Another process of TensorFlow is started.');
  });

  it('is not replaced once the model is closed, even while it was', async () => {
    const { kill, open, starts, failNext } = processes();
    const live = await open();
    failNext(1);
    kill();
    await vi.advanceTimersByTimeAsync(100);
    const closed = live.close();
    await vi.advanceTimersByTimeAsync(60_000);
    await closed;
    expect(starts).toHaveLength(2);
    await expect(live.infer(new Uint8Array(1), 1)).rejects.toMatchObject({ status: 503 });
  });

  it('before it was ever there is no model', async () => {
    const { open, failNext } = processes();
    failNext(1);
    await expect(open()).rejects.toThrow('no memory');
  });
});
