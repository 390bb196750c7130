import type { Counter, Gauge, Histogram } from 'prom-client';

type Labels = Readonly<Record<string, string>>;
type Instrument = Counter | Gauge | Histogram;

/** Series that belong to something that ends, such as a step, so that no process keeps them for ever. */
export interface Series {
  /** The series of these labels, as one of its owner's. */
  readonly of: <I extends Instrument>(owner: string, instrument: I, labels: Labels) => ReturnType<I['labels']>;
  /** Says that the owner is at work: none of its series is removed until as often `release` was called. */
  readonly hold: (owner: string) => void;
  readonly release: (owner: string) => void;
  /** Removes the series of an owner. */
  readonly drop: (owner: string) => void;
  /** Removes what belongs to owners that are not held, and of which nothing was heard for so long. */
  readonly dropIdle: (idleMs: number) => void;
}

interface Owned {
  heardAt: number;
  held: number;
  readonly removals: Map<string, () => void>;
}

/**
 * Keeps account of series by their owners.
 *
 * @param most of owners; beyond that those of which nothing was heard for longest lose their series
 * @param now in milliseconds
 */
export function trackSeries(most: number, now: () => number = () => performance.now()): Series {
  // In the order in which they were heard of, the latest last.
  const owners = new Map<string, Owned>();
  const heard = (owner: string): Owned => {
    const owned = owners.get(owner) ?? { heardAt: 0, held: 0, removals: new Map() };
    owned.heardAt = now();
    owners.delete(owner);
    owners.set(owner, owned);
    return owned;
  };
  const drop = (owner: string) => {
    for (const remove of owners.get(owner)?.removals.values() ?? []) remove();
    owners.delete(owner);
  };
  const dropOldest = () => {
    const oldest = [...owners].find(([, { held }]) => held === 0);
    if (oldest) drop(oldest[0]);
  };
  return {
    of: (owner, instrument, labels) => {
      const { removals } = heard(owner);
      const key = `${nameOf(instrument)} ${JSON.stringify(labels)}`;
      if (!removals.has(key)) removals.set(key, () => instrument.remove(labels));
      if (owners.size > most) dropOldest();
      return instrument.labels(labels) as ReturnType<(typeof instrument)['labels']>;
    },
    hold: (owner) => {
      heard(owner).held++;
    },
    release: (owner) => {
      const owned = heard(owner);
      owned.held = Math.max(0, owned.held - 1);
    },
    drop,
    dropIdle: (idleMs) => {
      for (const [owner, { held, heardAt }] of [...owners]) if (held === 0 && now() - heardAt > idleMs) drop(owner);
    },
  };
}

/** prom-client's types keep the name to themselves. */
const nameOf = (instrument: Instrument): string => String((instrument as unknown as { readonly name: unknown }).name);
