import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  artifactFolder,
  artifactsIn,
  artifactsNamedBy,
  collectGarbage,
  openStore,
  parseJson,
  readArtifact,
  type Store,
} from '../../store/index.ts';
import { testSeed } from '../random.ts';
import { startS3Server, whyNoS3Server } from '../s3/server.ts';
import { anyAction, createRun, createWorld, leaveFromBefore, requireThere } from './acting-runs.ts';

/**
 * `contrail cache gc` beside what runs do: every operation on the store is one turn, and whose turn it is is drawn. So a collection
 * stops between any two of its operations, for as long as others need for anything, and hours pass meanwhile.
 */
const interleavings = 200;
const interleavingsOnS3 = 2;

const anyScript = fc.record({
  runs: fc.array(fc.array(anyAction, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 3 }),
  collections: fc.integer({ min: 1, max: 2 }),
  minutes: fc.array(fc.integer({ min: 10, max: 180 }), { minLength: 1, maxLength: 3 }),
});
type Script = typeof anyScript extends fc.Arbitrary<infer T> ? T : never;

/** The folders of all artifacts that a file outside them names, and of what those were made from. */
async function needed(store: Store): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const refs = [];
  for (const { path } of await store.everything())
    if (/^(runs|models|cache|schedules)\/.*\.json$/.test(path))
      refs.push(...artifactsIn(parseJson(await store.read(path))));
  for (let ref = refs.pop(); ref; ref = refs.pop()) {
    if (found.has(artifactFolder(ref))) continue;
    found.add(artifactFolder(ref));
    refs.push(...artifactsNamedBy((await readArtifact(store, ref)).about));
    await requireThere(store, ref);
  }
  return found;
}

/** @returns how many artifacts were collected beside the runs */
async function interleave(real: Store, scheduler: fc.Scheduler, script: Script): Promise<number> {
  await leaveFromBefore(real);
  const world = createWorld(real, scheduler);
  let removed = 0;
  const collect = async () => {
    const now = world.clock.now;
    const collected = await collectGarbage(world.open(), { dryRun: false, now });
    removed += collected.artifacts.length;
  };
  const runs = script.runs.map((_, at) => createRun(world, `run${at}`));
  const all = Promise.all([
    ...script.runs.map(async (actions, at) => {
      for (const action of actions) await runs[at]?.act(action, runs);
    }),
    (async () => {
      for (let time = 0; time < script.collections; time++) await collect();
    })(),
    (async () => {
      for (const minutes of script.minutes) await world.passes(minutes);
    })(),
  ]);
  await scheduler.waitFor(all);
  for (const run of runs) await run.requireWhole();
  await needed(real);
  // What is not needed is removed in the end: what went with that follows from what is left.
  world.clock.now += 24 * 60 * 60_000;
  await scheduler.waitFor(collect());
  const folders = (await real.list('artifacts')).map(({ path }) => path.split('/').slice(0, 3).join('/'));
  expect(new Set(folders)).toEqual(await needed(real));
  expect(await real.list('collecting')).toEqual([]);
  return removed;
}

const property = (open: () => Promise<{ readonly store: Store; readonly close: () => Promise<void> }>) => {
  let removed = 0;
  return {
    removed: () => removed,
    check: (numRuns: number) =>
      fc.assert(
        fc.asyncProperty(fc.scheduler(), anyScript, async (scheduler, script) => {
          const { store, close } = await open();
          try {
            removed += await interleave(store, scheduler, script);
          } finally {
            await close();
          }
        }),
        { numRuns, seed: testSeed, endOnFailure: true },
      ),
  };
};

describe('a collection beside runs', () => {
  it(`removes nothing that is needed, and in the end all else, in ${interleavings} interleavings (seed ${testSeed})`, {
    timeout: 600_000,
  }, async () => {
    const memory = '/dev/shm';
    const parent = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), 'contrail-collect-'));
    try {
      const { check, removed } = property(async () => {
        const folder = join(parent, randomUUID());
        return { store: openStore(folder), close: () => rm(folder, { recursive: true, force: true }) };
      });
      await check(interleavings);
      expect(removed()).toBeGreaterThan(interleavings);
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });

  it('does so on an S3 server', { timeout: 600_000 }, async ({ skip }) => {
    const missing = await whyNoS3Server();
    if (missing) skip(missing);
    const server = await startS3Server();
    try {
      const open = async () => ({ store: openStore(server.storeUrl(randomUUID())), close: async () => {} });
      await property(open).check(interleavingsOnS3);
    } finally {
      await server.stop();
    }
  });
});
