import { afterAll, expect } from 'vitest';
import { testSeed } from '../random.ts';
import { keptInputs } from './corpus.ts';
import { fuzz } from './engine/fuzz.ts';
import { createHost } from './engine/host.ts';
import type { Target } from './engine/target.ts';

/** New inputs of each target, and the time for them: the rest is for `npm run fuzz`. */
const inputs = 150;
const seconds = 1;

/** Runs targets on the inputs that were kept, and on some new ones; all in one process, which is ended with the test file. */
export function shortRun(): (target: Target) => Promise<void> {
  const host = createHost();
  afterAll(() => host.close());
  return async (target) => {
    const kept = keptInputs(target.name);
    const options = { inputs, seconds, seed: testSeed, kept: [...kept.values()] };
    const { findings, ...figures } = await fuzz(target, host, options);
    expect(findings.map(({ sign, detail, seed, index }) => ({ sign, detail, seed, index }))).toEqual([]);
    expect(figures.inputs).toBeGreaterThan(kept.size);
    // One that gives the same for everything reads nothing.
    expect(figures.outcomes.length).toBeGreaterThan(1);
  };
}
