import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toTemporalFailure } from '../../activities/errors.ts';
import { ContrailError, errorCodes, errorKinds } from '../../contracts/errors.ts';

/** As an activity fails with it. */
function failure(
  error: unknown,
  info: { attempt?: number; maximumAttempts?: number } = {},
): Promise<ApplicationFailure> {
  const { attempt = 1, maximumAttempts = 0 } = info;
  const environment = new MockActivityEnvironment({ attempt, retryPolicy: { maximumAttempts } });
  return environment.run(() => Promise.resolve(toTemporalFailure(error) as ApplicationFailure));
}
const system = (code: string) => Object.assign(new Error(`${code}: raw`), { code, path: '/data/x' });

describe('an error of an activity', () => {
  it.each(errorCodes)('%s is retried, or not, as the table of codes says', async (code) => {
    const { type, nonRetryable } = await failure(new ContrailError(code, 'why'));
    expect({ type, nonRetryable }).toEqual({ type: code, nonRetryable: !errorKinds[code].retried });
  });

  it('that cannot pass by itself is not retried', async () => {
    for (const code of ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ELOOP'])
      expect((await failure(system(code))).nonRetryable, code).toBe(true);
  });

  it('that can pass is retried, and says what is awaited', async () => {
    const full = await failure(system('ENOSPC'));
    expect(full.nonRetryable).toBe(false);
    expect(full.message).toContain('No space is left on the disk of /data/x');
    expect(full.message).toContain('It is tried again until there is room.');
    for (const code of ['EDQUOT', 'EMFILE', 'EIO', 'ESTALE', 'ECONNREFUSED'])
      expect((await failure(system(code))).nonRetryable, code).toBe(false);
  });

  it('does not promise another attempt after the last', async () => {
    const limits = { maximumAttempts: 3 };
    expect((await failure(system('EIO'), { attempt: 2, ...limits })).message).toContain('tried again');
    expect((await failure(system('EIO'), { attempt: 3, ...limits })).message).not.toContain('tried again');
  });

  it('of a store that cannot be read is retried where its reason can pass', async () => {
    const unreadable = (code: string) => new ContrailError('StoreUnreadable', 'why', { cause: system(code) });
    expect((await failure(unreadable('ESTALE'))).nonRetryable).toBe(false);
    expect((await failure(unreadable('EACCES'))).nonRetryable).toBe(true);
  });

  it('is no longer than Temporal takes, with its place and without its causes', async () => {
    const inner = new Error('i'.repeat(3_000_000));
    const given = new ContrailError('ConnectionFailed', 'm'.repeat(3_000_000), { cause: inner });
    const { message, cause } = await failure(given);
    expect(message).toMatch(/^m{4000}… It is tried again until it can be made\.$/);
    expect(cause?.cause).toBeUndefined();
    expect(cause?.stack).toMatch(/^ContrailError: m{200}…\n {4}at .*errors\.test\.ts/);
    expect(cause?.stack?.length).toBeLessThan(2500);
    const { error } = z.strictObject({}).safeParse({ ['k'.repeat(100_000)]: 1 });
    expect((await failure(error)).message.length).toBeLessThan(4100);
  });

  it('that nobody foresaw stays as it is, and so does a failure that is Temporal already', async () => {
    const bug = new TypeError('x is not a function');
    expect(await failure(bug)).toBe(bug);
    const already = ApplicationFailure.create({ message: 'a', cause: system('ENOENT') as Error });
    expect(await failure(already)).toBe(already);
  });
});
