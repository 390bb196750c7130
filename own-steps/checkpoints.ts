import { writeFile } from 'node:fs/promises';
import { ContrailError } from '../contracts/errors.ts';
import type { Json } from '../contracts/json.ts';
import { parseJsonWithin } from '../contracts/json-within.ts';
import { readBounded } from './result.ts';
import type { Secrets } from './secrets.ts';

const pollMs = 100;

/**
 * Keeps the states that a step's process writes down, `<path>-1`, `-2` …, and answers each with a file `.kept`.
 *
 * @param keep is durable when it returns
 * @param fail is told of a state that cannot be kept
 * @returns a function that ends it
 */
export function followCheckpoints(
  path: string,
  {
    secrets,
    keep,
    fail,
  }: {
    readonly secrets: Secrets;
    readonly keep: (state: Json) => Promise<void>;
    readonly fail: (error: unknown) => void;
  },
): () => Promise<void> {
  let next = 1;
  let looking: Promise<void> | null = null;
  const look = async () => {
    for (let text = await readBounded(`${path}-${next}`); text !== null; text = await readBounded(`${path}-${next}`)) {
      if (secrets.isIn(text))
        throw new ContrailError(
          'InvalidResult',
          'A state that the step keeps holds the value of a variable of passEnv.',
        );
      await keep(parseJsonWithin(text) as Json);
      await writeFile(`${path}-${next}.kept`, '');
      next++;
    }
  };
  const timer = setInterval(() => {
    looking ??= look()
      .catch(fail)
      .finally(() => {
        looking = null;
      });
  }, pollMs);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
