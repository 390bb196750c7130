import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isContrailError } from '../../contracts/errors.ts';
import { openCheckpoints } from '../../store/index.ts';
import { type MemoryStore, memoryStore } from '../memory-store.ts';
import { type Actor, explore, type Moment } from './model/explore.ts';
import { withoutExclusiveCreation, withoutFencing, withoutGivingUp } from './model/guards.ts';
import { attempt, type Fact, key, standing, taken, valueAfter } from './model/training.ts';

/**
 * The lease and the checkpoints of a training, with the real functions on a store in memory: every order in which the operations of
 * several attempts can be done, and with it every moment at which they can be killed.
 */
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 0 }));
afterEach(() => void vi.useRealTimers());

/** CONTRAIL_TEST_EXHAUSTIVE asks for more epochs and attempts, which take minutes. */
const isExhaustive = process.env.CONTRAIL_TEST_EXHAUSTIVE !== undefined;
const mostMoments = isExhaustive ? 5_000_000 : 200_000;

/** What must hold at each moment, so also if all processes die at it. */
function whatHolds(epochs: number): (moment: Moment<Fact>) => Promise<void> {
  const known = new Map<string, { readonly epoch: number; readonly value: number }>();
  /** Where the training stands by these files; and a new attempt ends it from there. */
  const judged = async (store: MemoryStore) => {
    const files = store.contents();
    const before = known.get(files);
    if (before) return before;
    const at = await standing(store);
    known.set(files, at);
    expect(at.value, 'a state is that of its epoch').toBe(valueAfter(at.epoch));
    const copy = store.copy();
    await attempt('last', epochs).run(copy, () => {});
    const end = { epoch: Math.max(at.epoch, epochs), value: valueAfter(Math.max(at.epoch, epochs)) };
    expect(await standing(copy), 'whoever comes next ends the training').toEqual(end);
    return at;
  };
  return async ({ store, facts, ended }) => {
    const at = await judged(store);
    const tokens: number[] = [];
    const names = (await openCheckpoints(store, key).list()).map(({ name }) => name);
    for (const { fact } of facts) {
      if (fact.what === 'committed') expect(at.epoch, 'no epoch disappears').toBeGreaterThanOrEqual(fact.epoch);
      if (fact.what === 'began') expect(fact.value, 'what is gone on from').toBe(valueAfter(fact.epoch));
      if (fact.what !== 'taken') continue;
      tokens.push(fact.token);
      const late = names.filter((name) => tokenOf(name) < fact.token && !fact.before.includes(name));
      expect(late, `what appears after token ${fact.token} was taken`).toEqual([]);
    }
    expect(new Set(tokens).size, 'no token is given twice').toBe(tokens.length);
    for (const [name, error] of ended)
      if (error !== null)
        expect(isContrailError(error) && error.code, `${name} ended with ${error}`).toBe('StaleLease');
  };
}

/** A disk that changes the last byte of a state, once. */
const damaging: Actor<Fact> = {
  name: 'damage',
  run: async (store) => {
    const states = (await store.list('runs')).filter(({ path }) => path.endsWith('.safetensors'));
    const last = states.at(-1);
    if (!last) return;
    const bytes = Uint8Array.from(await store.read(last.path));
    bytes[bytes.length - 1] = 255 - (bytes.at(-1) ?? 0);
    await store.write(last.path, bytes);
  },
};

async function neverWrong({ store, facts }: Moment<Fact>): Promise<void> {
  const { epoch, value } = await standing(store);
  expect(value, 'a state is that of its epoch').toBe(valueAfter(epoch));
  for (const { fact } of facts)
    if (fact.what === 'began') expect(fact.value, 'what is gone on from').toBe(valueAfter(fact.epoch));
}

const tokenOf = (name: string): number => Number(name.split('-t').at(-1));

describe('attempts at a training, in every order', { timeout: 180_000 }, () => {
  it.each([
    { attempts: 2, epochs: 1 },
    ...(isExhaustive
      ? [
          { attempts: 2, epochs: 2 },
          { attempts: 3, epochs: 1 },
        ]
      : []),
  ])(
    '$attempts attempts, $epochs epochs: no epoch is lost, and whoever comes next ends the training',
    async ({ attempts, epochs }) => {
      const actors = Array.from({ length: attempts }, (_, at) => attempt(`attempt ${at + 1}`, epochs));
      const { moments, operations } = await explore(actors, whatHolds(epochs), { mostMoments });
      process.stdout.write(`${attempts} attempts, ${epochs} epochs: ${moments} moments, ${operations} operations\n`);
    },
  );

  it('one that was overtaken takes nothing away that a training which goes back needs', async () => {
    const before = memoryStore();
    const keep = { last: 2, best: 0, epochs: [2] };
    await attempt('before', 3, keep).run(before, () => {});
    const goesBack: Actor<Fact> = {
      name: 'goes back',
      run: async (store, say) => {
        await openCheckpoints(store, key).discardAfter(await taken(store, 'goes back', say), 2);
        say({ what: 'gone back' });
      },
    };
    const look = async ({ store, facts }: Moment<Fact>) => {
      const { epoch } = await standing(store);
      expect(epoch, 'the epoch that it goes back to').toBeGreaterThanOrEqual(2);
      const takers = facts.flatMap(({ by, fact }) => (fact.what === 'taken' ? [{ by, token: fact.token }] : []));
      const last = takers.sort((a, b) => a.token - b.token).at(-1)?.by;
      for (const { by, fact } of facts) {
        if (by !== last) continue;
        if (fact.what === 'gone back') expect(epoch, 'what was given up').toBe(2);
        if (fact.what === 'committed') expect(epoch, 'no epoch disappears').toBeGreaterThanOrEqual(fact.epoch);
      }
    };
    await explore([attempt('overtaken', 4, keep), goesBack], look, { mostMoments, before });
  });

  it('a state that is damaged at any moment is never gone on from', async () => {
    await explore([attempt('attempt', 2), damaging], neverWrong, { mostMoments });
  });
});

describe('without one of its guards the protocol fails in some order', () => {
  it.each([
    ['fencing', withoutFencing, /appears after token/],
    ['exclusive creation', withoutExclusiveCreation, /no token is given twice|no epoch disappears|appears after token/],
    ['giving up what others have begun', withoutGivingUp, /appears after token/],
  ])('%s', async (_, guardless, what) => {
    const spoilt = ['attempt 1', 'attempt 2'].map((name): Actor<Fact> => {
      const { run } = attempt(name, 1);
      return { name, run: (store, say) => run(guardless(store), say) };
    });
    await expect(explore(spoilt, whatHolds(1), { mostMoments })).rejects.toThrow(what);
  });

  it('the comparison of digests', async () => {
    vi.resetModules();
    vi.doMock('../../store/digest.ts', async (importActual) => {
      const actual = await importActual<typeof import('../../store/digest.ts')>();
      const digestOf: typeof actual.digestOf = (content) => ({ ...actual.digestOf(content), sha256: '0'.repeat(64) });
      return { ...actual, digestOf };
    });
    const blind = await import('./model/training.ts');
    vi.doUnmock('../../store/digest.ts');
    vi.resetModules();
    const look = async ({ store }: Moment<Fact>) => {
      const { epoch, value } = await blind.standing(store);
      expect(value, 'a state is that of its epoch').toBe(valueAfter(epoch));
    };
    await expect(explore([blind.attempt('attempt', 2), damaging], look, { mostMoments })).rejects.toThrow(
      /a state is that of its epoch/,
    );
  });
});
