import type { Store } from './store.ts';

/** What a process remembers of each store, by path; it goes with the store. */
export function rememberedByStore<T>(): (store: Store) => Map<string, T> {
  const all = new WeakMap<Store, Map<string, T>>();
  return (store) => {
    const known = all.get(store) ?? new Map<string, T>();
    all.set(store, known);
    return known;
  };
}
