import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import fc from 'fast-check';
import type { ActivityContext } from '../../activities/context.ts';
import { lookUpStep } from '../../activities/look-up-step.ts';
import { finishStep } from '../../activities/step-result.ts';
import { type ArtifactKind, type ArtifactRef, artifactRefSchema } from '../../contracts/artifacts.ts';
import { isContrailError } from '../../contracts/errors.ts';
import type { StepKey } from '../../contracts/identifiers.ts';
import type { Plan } from '../../contracts/plan.ts';
import { changeIndex } from '../../evaluation/promotion/change-index.ts';
import { promoteModel } from '../../evaluation/promotion/promote.ts';
import {
  acquireLease,
  artifactsIn,
  emptiedFiles,
  emptyArtifact,
  listCacheKeys,
  loadCurrent,
  loadStepResult,
  loadStepResults,
  neededBy,
  openCheckpoints,
  readArtifact,
  readEntry,
  removeCacheEntry,
  removeRun,
  type Store,
  savePlan,
  writeArtifact,
} from '../../store/index.ts';
import { interleaved, type TestClock } from './interleaved.ts';

const minute = 60_000;
/** What a step makes is named within that time, also where a collection goes on. */
const longestActionMs = 50 * minute;

const actions = ['step', 'fork', 'promote', 'index', 'checkpoint', 'forget', 'forgetCache', 'remove'] as const;

/** What a run does next. Numbers choose among few contents, so that runs meet. */
export const anyAction = fc.record({
  does: fc.oneof(fc.constant('step' as const), fc.constantFrom(...actions)),
  what: fc.nat(1),
  other: fc.nat(2),
});
type Action = typeof anyAction extends fc.Arbitrary<infer T> ? T : never;

const silent = new DefaultLogger('ERROR', () => {});
const activity = <T>(work: () => Promise<T>): Promise<T> =>
  new MockActivityEnvironment({}, { logger: silent }).run(work);

const artifact = (store: Store, kind: ArtifactKind, text: string, about: object = {}) =>
  writeArtifact(store, { kind, about, files: [{ path: 'file', content: new TextEncoder().encode(text) }] });

/** What runs that were removed long ago have left: the same that runs make. */
export async function leaveFromBefore(store: Store): Promise<void> {
  for (const what of [0, 1]) {
    await artifact(store, 'code', `code ${what}`);
    const dataset = await artifact(store, 'dataset', `images ${what}`);
    await artifact(store, 'encoder', `weights ${what}`, { dataset: dataset.digest });
  }
}

/** Fails where an artifact lacks a file that nobody forgot. */
export async function requireThere(store: Store, ref: ArtifactRef): Promise<void> {
  const emptied = await emptiedFiles(store, ref);
  const { files } = await readArtifact(store, ref);
  for (const entry of files) if (!emptied.includes(entry.path)) await readEntry(store, ref, entry);
}

/** A store whose operations are done in a drawn order, and its time. */
export interface World {
  readonly real: Store;
  readonly clock: TestClock;
  /** A process of its own: it knows nothing of what others have done. */
  readonly open: () => Store;
  /** Begins something once no time is to pass. */
  readonly during: <T>(work: (store: Store) => Promise<T>) => Promise<T>;
  /** Time passes while collections go on, but not between a step's work and its result. */
  readonly passes: (minutes: number) => Promise<void>;
}

export function createWorld(real: Store, scheduler: fc.Scheduler): World {
  const clock: TestClock = { now: 1e12, written: new Map() };
  const underWay = new Set<{ readonly since: number }>();
  let rest: Promise<void> = Promise.resolve();
  const open = () => interleaved(real, scheduler, clock);
  return {
    real,
    clock,
    open,
    during: async (work) => {
      await rest;
      const one = { since: clock.now };
      underWay.add(one);
      try {
        return await work(open());
      } finally {
        underWay.delete(one);
      }
    },
    passes: async (minutes) => {
      const turn = scheduler.scheduleFunction(async () => {
        const then = clock.now + minutes * minute;
        const mayPass = [...underWay].every(({ since }) => then - since <= longestActionMs);
        if (mayPass) clock.now = then;
        return mayPass;
      });
      let begin = () => {};
      rest = new Promise((resolve) => {
        begin = resolve;
      });
      // Who waits for a collection has a timer, which needs its turn too.
      while (!(await turn())) await new Promise(setImmediate);
      begin();
    },
  };
}

/** One run after another under one name, as a person has them, with the project's own code. */
export function createRun(world: World, name: string) {
  let count = 0;
  let isStarted = false;
  const id = () => `${name}-${count}`;
  const key = (step: string): StepKey => ({ run: id(), step });
  const encoderOf = async (store: Store) =>
    artifactRefSchema.safeParse((await loadStepResult(store, key('encoder')))?.result.encoder).data;

  const start = async (store: Store, what: number) => {
    const code = await artifact(store, 'code', `code ${what}`);
    await savePlan(store, id(), { name: 'test', steps: [{ code }] } as unknown as Plan);
    isStarted = true;
  };

  /** As a worker does it: is there a result, else the work; again where a collection took what was made. */
  const step = async (store: Store, what: number, origin?: string) => {
    const { found, fingerprint } = await activity(() =>
      lookUpStep({ store } as ActivityContext, {
        ...{ ...key('encoder'), uses: 'load-encoder', version: 1, parameters: { what }, check: false, inputs: {} },
        reuse: { own: true, cache: true, ...(origin ? { origin: { run: origin, step: 'encoder' } } : {}) },
      }),
    );
    if (found) return;
    for (let attempt = 1; ; attempt++)
      try {
        const dataset = await artifact(store, 'dataset', `images ${what}`);
        const encoder = await artifact(store, 'encoder', `weights ${what}`, { dataset: dataset.digest });
        const result = { encoder, dimension: 8, names: 'contrail' };
        await activity(() => finishStep({ store } as ActivityContext, { ...key('encoder'), fingerprint }, result));
        return;
      } catch (error) {
        if (!isContrailError(error) || error.code !== 'TakenByCollection' || attempt === 5) throw error;
      }
  };

  const promote = async (store: Store) => {
    const encoder = await encoderOf(store);
    if (!encoder) return;
    const evaluation = await artifact(store, 'evaluation', `top1 of ${id()}`, { encoder });
    const candidate = {
      ...key('promote'),
      encoder,
      classifier: null,
      evaluation,
      metrics: {},
      testSet: '0'.repeat(64),
    };
    const better = { better: true, before: 0, after: 1, reason: 'better', images: 1, seen: 0, interval: null };
    await promoteModel(store, candidate, { model: 'shirts', metric: 'top1', force: false, judge: async () => better });
  };

  const index = async (store: Store, what: number) => {
    const current = await loadCurrent(store, 'shirts');
    if (!current) return;
    const vectors = await artifact(store, 'vectors', `vectors ${what}`, { encoder: current.encoder });
    const made = await artifact(store, 'index', `index ${what}`, { encoder: current.encoder, vectors });
    // Another version may have come first.
    await changeIndex(store, current, made, 'made again').catch((error: unknown) => {
      if (!isContrailError(error) || error.code !== 'RunFailed') throw error;
    });
  };

  const checkpoint = async (store: Store) => {
    const lease = await acquireLease(store, key('train'), name);
    const checkpoints = openCheckpoints(store, key('train'));
    const epoch = ((await checkpoints.list()).at(-1)?.manifest.epoch ?? 0) + 1;
    const tensors = [{ name: 'weight', dtype: 'U8', shape: [1], data: Uint8Array.of(epoch) }] as const;
    await checkpoints.commit(lease, {
      ...{ epoch, step: 0, config: {}, tensors, metadata: {}, best: { epoch, loss: 1 } },
      metrics: { loss: 1, learningRate: 0.1, imagesPerSecond: 1, seconds: 1 },
    });
    await checkpoints.retain({ last: 2, best: 0 });
  };

  const forget = async (store: Store) => {
    const encoder = await encoderOf(store);
    if (encoder) await emptyArtifact(store, encoder, { files: ['file'], at: '2026-01-01T00:00:00.000Z' });
  };

  const act = async (store: Store, { does, what, other }: Action, runs: readonly { readonly id: () => string }[]) => {
    if (does === 'step') await step(store, what);
    else if (does === 'fork') await step(store, what, runs[other]?.id());
    else if (does === 'promote') await promote(store);
    else if (does === 'index') await index(store, what);
    else if (does === 'checkpoint') await checkpoint(store);
    else if (does === 'forget') await forget(store);
    else if (does === 'forgetCache') for (const each of await listCacheKeys(store)) await removeCacheEntry(store, each);
    else if ((await neededBy(store, id(), new Set())).length === 0) {
      await removeRun(store, id());
      count++;
      isStarted = false;
    }
  };

  /** All that the run needs is there. */
  const requireWhole = async () => {
    const { real } = world;
    const results = Object.values(await loadStepResults(real, id())).map(({ result }) => result);
    const plan = await real.read(`runs/${id()}/plan.json`);
    for (const ref of artifactsIn([JSON.parse(new TextDecoder().decode(plan)), results])) await requireThere(real, ref);
    const checkpoints = openCheckpoints(real, key('train'));
    for (const checkpoint of await checkpoints.names()) await checkpoints.verify(checkpoint);
  };

  return {
    id,
    act: async (action: Action, runs: readonly { readonly id: () => string }[]) => {
      if (!isStarted) await world.during((store) => start(store, action.what));
      await world.during((store) => act(store, action, runs));
      if (isStarted) await requireWhole();
    },
    requireWhole: async () => {
      if (isStarted) await requireWhole();
    },
  };
}
