/** Every reader of what comes from outside, on the inputs that were kept, and on some new ones. `npm run fuzz` runs 100,000 each. */
import { expect, it } from 'vitest';
import { shortRun } from './short-run.ts';
import { targets } from './targets/index.ts';

const run = shortRun();
/** Needs a model, and has a test file of its own. */
const others = targets.filter(({ name }) => name !== 'serve');

it.each(others.map((target) => [target.reads, target] as const))('%s', (_, target) => run(target));

it('has a name and words for each', () => {
  expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length);
});
