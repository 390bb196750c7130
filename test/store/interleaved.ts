import type fc from 'fast-check';
import type { Store, StoredFile } from '../../store/index.ts';

/** The time of a store in a test, in milliseconds since 1970, and when each of its files was written. */
export interface TestClock {
  now: number;
  readonly written: Map<string, number>;
}

/**
 * A store of which every operation waits for its turn, which the scheduler gives at random, and is done before the next one's. Its
 * files are as old as the test's clock says.
 */
export function interleaved(store: Store, scheduler: fc.Scheduler, clock: TestClock): Store {
  // The scheduler would take a file that is not there for a failure of its own.
  const inTurn = scheduler.scheduleFunction((work: () => Promise<unknown>) =>
    work().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    ),
  );
  const turn = async <T>(work: () => Promise<T>): Promise<T> => {
    const outcome = await inTurn(work);
    if ('error' in outcome) throw outcome.error;
    return outcome.value as T;
  };
  const aged = (files: readonly StoredFile[]) =>
    files.map((file) => ({ ...file, modifiedMs: clock.written.get(file.path) ?? 0 }));
  const wrote = (path: string) => clock.written.set(path, clock.now);
  return {
    ...store,
    read: (path) => turn(() => store.read(path)),
    readRange: (path, from, to) => turn(() => store.readRange(path, from, to)),
    exists: (path) => turn(() => store.exists(path)),
    writtenAs: (path) => turn(() => store.writtenAs(path)),
    list: (folder) => turn(async () => aged(await store.list(folder))),
    everything: () => turn(async () => aged(await store.everything())),
    folders: (folder) => turn(() => store.folders(folder)),
    write: (path, content) =>
      turn(async () => {
        await store.write(path, content);
        wrote(path);
      }),
    writeExclusive: (path, content) =>
      turn(async () => {
        const isFirst = await store.writeExclusive(path, content);
        if (isFirst) wrote(path);
        return isFirst;
      }),
    // What lies there has no name, so no other process sees it.
    stage: async (content) => {
      const staged = await store.stage(content);
      const publish = (path: string) =>
        turn(async () => {
          await staged.publish(path);
          wrote(path);
        });
      return { ...staged, publish };
    },
    remove: (path) => turn(() => store.remove(path)),
    sweep: async () => 0,
  };
}
