import type { Store } from '../../../store/index.ts';

/** What a process does without one of the guards of the protocol: its store answers as if there were none. */
export type Guardless = (store: Store) => Store;

/** Nobody is told that a later lease is there. */
export const withoutFencing: Guardless = (store) => {
  const own = new Set<string>();
  const isLease = (path: string) => path.includes('/leases/');
  return {
    ...store,
    writeExclusive: async (path, content) => {
      const isFirst = await store.writeExclusive(path, content);
      if (isFirst && isLease(path)) own.add(path);
      return isFirst;
    },
    exists: async (path) => (isLease(path) ? own.has(path) : store.exists(path)),
  };
};

/** A file that is there already is written again. */
export const withoutExclusiveCreation: Guardless = (store) => ({
  ...store,
  writeExclusive: async (path, content) => {
    await store.write(path, content);
    return true;
  },
});

/** Nothing that others have begun is given up. */
export const withoutGivingUp: Guardless = (store) => ({
  ...store,
  writeExclusive: async (path, content) =>
    !new TextDecoder().decode(content).includes('given-up') && store.writeExclusive(path, content),
});
