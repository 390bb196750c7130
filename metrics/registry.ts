import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A metric: what it counts or measures, and by what it is told apart. */
export interface Definition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Shown by Prometheus and in docs/monitoring.md. */
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, ascending. */
  readonly buckets?: readonly number[];
}

/** Metrics by their names, which end in the unit, and those of counters in `_total`. */
export type Definitions = Readonly<Record<string, Definition>>;

type LabelOf<D extends Definition> = D['labels'][number];
type InstrumentOf<D extends Definition> = D['type'] extends 'counter'
  ? Counter<LabelOf<D>>
  : D['type'] extends 'gauge'
    ? Gauge<LabelOf<D>>
    : Histogram<LabelOf<D>>;

/** What counts and measures, by the name of the metric. */
export type Instruments<D extends Definitions> = { readonly [Name in keyof D]: InstrumentOf<D[Name]> };

/** The metrics of a process, as Prometheus reads them. */
export interface MetricsRegistry<D extends Definitions> {
  readonly instruments: Instruments<D>;
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** Makes the metrics of a table, beside those of the process itself: memory, processor, event loop. */
export function openRegistry<const D extends Definitions>(definitions: D): MetricsRegistry<D> {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const instruments = Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [name, instrumentOf(name, definition, register)]),
  ) as unknown as Instruments<D>;
  return { instruments, text: () => register.metrics(), contentType: register.contentType };
}

function instrumentOf(name: string, { type, help, labels, buckets }: Definition, register: Registry) {
  const options = { name, help, labelNames: [...labels], registers: [register] };
  if (type === 'counter') return new Counter(options);
  if (type === 'gauge') return new Gauge(options);
  return new Histogram({ ...options, ...(buckets ? { buckets: [...buckets] } : {}) });
}
