import { createHash } from 'node:crypto';
import { setImmediate as settled } from 'node:timers/promises';
import type { Store } from '../../../store/index.ts';
import { type MemoryStore, memoryStore } from '../../memory-store.ts';

/** What a process has said: what it counts as done, such as a commit that returned. */
export type Said<Fact> = (fact: Fact) => void;

/** A process that shares a store with others, and does one thing after the other there. */
export interface Actor<Fact> {
  readonly name: string;
  readonly run: (store: Store, say: Said<Fact>) => Promise<void>;
}

/** What there is at a moment between two operations: what lies in the store, and what every process has said until then. */
export interface Moment<Fact> {
  readonly store: MemoryStore;
  readonly facts: readonly { readonly by: string; readonly fact: Fact }[];
  /** How each process ended that has: null, or its error. */
  readonly ended: ReadonlyMap<string, unknown>;
  /** Whose operation was done at each step until then. */
  readonly path: readonly string[];
}

export interface Explored {
  /** Different moments. */
  readonly moments: number;
  /** Operations that were done to reach them. */
  readonly operations: number;
  /** Of the longest way. */
  readonly depth: number;
}

/**
 * Does the operations of processes on a store in every order that there is, and looks at each moment between two of them. A
 * process that is killed at some moment is one whose turn does not come again, so every kill is among these orders.
 *
 * Two ways that lead to the same files, with every process having read and said the same, go on as one.
 *
 * @param actors whose code does nothing but wait for the store
 * @param look is given each moment once; what it throws is thrown, with the way that led there
 * @param options.mostMoments more are an error: what is not finished proves nothing
 * @param options.before what lies in the store at the beginning
 */
export async function explore<Fact>(
  actors: readonly Actor<Fact>[],
  look: (moment: Moment<Fact>) => Promise<void>,
  { mostMoments, before = memoryStore() }: { readonly mostMoments: number; readonly before?: MemoryStore },
): Promise<Explored> {
  const seen = new Set<string>();
  const ways: number[][] = [[]];
  let [operations, depth] = [0, 0];
  for (let way = ways.pop(); way; way = ways.pop()) {
    const world = begin(actors, before.copy());
    await settled();
    for (const choice of way) await world.step(choice);
    // From here on the first that can go on does, and the others are left for later.
    for (;;) {
      operations++;
      const key = world.key();
      if (seen.has(key)) break;
      seen.add(key);
      if (seen.size > mostMoments) throw new Error(`there are more than ${mostMoments} moments`);
      depth = Math.max(depth, way.length);
      const moment = world.moment(way.map((choice) => actors[choice]?.name ?? ''));
      await look(moment).catch((error: unknown) => {
        throw new Error(`after ${moment.path.join(' ')}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      });
      const [first, ...others] = world.ready();
      for (const other of others) ways.push([...way, other]);
      if (first === undefined) break;
      await world.step(first);
      way = [...way, first];
    }
  }
  return { moments: seen.size, operations, depth };
}

interface Running<Fact> {
  readonly actor: Actor<Fact>;
  /** Operations that wait for their turn, the first first. */
  readonly waiting: (() => Promise<void>)[];
  /** What it has asked, been told and said, so everything that decides what it does next. */
  readonly history: ReturnType<typeof createHash>;
  end: { readonly error: unknown } | null;
}

function begin<Fact>(actors: readonly Actor<Fact>[], store: MemoryStore) {
  const facts: { by: string; fact: Fact }[] = [];
  const running = actors.map((actor): Running<Fact> => {
    const one: Running<Fact> = { actor, waiting: [], history: createHash('sha256'), end: null };
    const say = (fact: Fact) => {
      facts.push({ by: actor.name, fact });
      one.history.update(`said ${JSON.stringify(fact)}`);
    };
    actor.run(inTurn(store, one), say).then(
      () => {
        one.end = { error: null };
      },
      (error: unknown) => {
        one.end = { error };
      },
    );
    return one;
  });
  return {
    ready: () => running.flatMap(({ waiting }, at) => (waiting.length > 0 ? [at] : [])),
    step: async (at: number) => {
      await running[at]?.waiting.shift()?.();
      await settled();
    },
    key: () => {
      const hash = createHash('sha256').update(store.contents());
      for (const { history, waiting } of running) hash.update(`${history.copy().digest('hex')} ${waiting.length}`);
      return hash.digest('base64');
    },
    moment: (path: readonly string[]): Moment<Fact> => ({
      store: store.copy(),
      facts,
      ended: new Map(running.flatMap(({ actor, end }) => (end ? [[actor.name, end.error]] : []))),
      path,
    }),
  };
}

/** The store as one process sees it: each operation waits for its turn. */
function inTurn<Fact>(store: Store, { waiting, history }: Running<Fact>): Store {
  const turn =
    <Arguments extends readonly unknown[], Result>(name: string, work: (...args: Arguments) => Promise<Result>) =>
    (...args: Arguments): Promise<Result> =>
      new Promise((resolve, reject) => {
        waiting.push(async () => {
          history.update(`${name} ${args.map((arg) => (typeof arg === 'string' ? arg : '')).join(' ')}`);
          const outcome = await work(...args).then(
            (value) => () => {
              history.update(toldBy(value));
              resolve(value);
            },
            (error: unknown) => () => {
              history.update(String(error));
              reject(error);
            },
          );
          outcome();
        });
      });
  return {
    ...store,
    read: turn('read', store.read),
    exists: turn('exists', store.exists),
    list: turn('list', store.list),
    folders: turn('folders', store.folders),
    write: turn('write', store.write),
    writeExclusive: turn('writeExclusive', store.writeExclusive),
    remove: turn('remove', store.remove),
  };
}

const toldBy = (value: unknown): Uint8Array | string =>
  value instanceof Uint8Array ? value : (JSON.stringify(value) ?? '');
