import { randomUUID } from 'node:crypto';
import { ContrailError } from '../../contracts/errors.ts';
import { statusOf } from './failures.ts';
import type { S3Object } from './reading.ts';
import { createObject, removeObject } from './writing.ts';

const rivals = 4;

/**
 * Makes sure that a server creates an object once: leases and the log of models rest on it. There are servers that ignore the
 * condition, and some that keep it but for writers at the same moment.
 *
 * @param objectAt an object that nothing else uses, by a name
 * @throws ContrailError SetupFailed that names the server; the SDK's errors
 */
export async function probeExclusive(objectAt: (name: string) => S3Object, where: string): Promise<void> {
  const [one, contested] = [objectAt(`probe-${randomUUID()}`), objectAt(`probe-${randomUUID()}`)];
  const refuse = (what: string, cause?: unknown) =>
    new ContrailError(
      'SetupFailed',
      `The S3 server at ${one.at.server()} cannot keep the store ${where}: ${what}. Two trainers could then both take the lease of a training. Use a server that knows conditional writes (\`If-None-Match: *\`); docs/store.md names some.`,
      { cause },
    );
  const create = (object: S3Object, text: string) =>
    createObject(object, new TextEncoder().encode(text)).catch((cause: unknown) => {
      throw statusOf(cause) === 501 ? refuse('it does not know the condition that an object is new', cause) : cause;
    });
  try {
    if (!(await create(one, 'first'))) throw refuse('it said that a new object was there already');
    if (await create(one, 'second'))
      throw refuse('it replaced an object that was to be created only if there was none');
    const won = await Promise.all(Array.from({ length: rivals }, (_, at) => create(contested, String(at))));
    if (won.filter(Boolean).length !== 1)
      throw refuse(
        `of ${rivals} writers that created an object at the same moment, ${won.filter(Boolean).length} were told that it was theirs`,
      );
  } finally {
    // What is left is swept away later.
    await Promise.allSettled([removeObject(one), removeObject(contested)]);
  }
}
