import { serverMetrics } from '../../serving/http/metrics.ts';
import { workerMetrics } from '../../worker/metrics/definitions.ts';

/** Metrics of Temporal's SDK, of Prometheus itself and of prom-client's defaults that our queries use; the test of a real worker reads them. */
export const foreignMetrics = [
  'up',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'nodejs_eventloop_lag_p99_seconds',
  'temporal_request_latency_seconds_bucket',
] as const;

const histograms = Object.entries({ ...workerMetrics, ...serverMetrics }).flatMap(([name, { type }]) =>
  type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [],
);
const counted = Object.entries({ ...workerMetrics, ...serverMetrics }).flatMap(([name, { type }]) =>
  type === 'histogram' ? [] : [name],
);

/** Every name that a query may read. */
export const readable: ReadonlySet<string> = new Set([...counted, ...histograms, ...foreignMetrics]);

/** Words of PromQL that stand where a metric could. */
const words = /^(by|on|without|ignoring|and|or|unless|offset|group_left|group_right|bool|inf|nan)$/i;

/** The names of metrics in a query: what is no label, no function, no string, no duration. */
export function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"|'[^']*'/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...new Set([...bare.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w|\s*\()/g)].map(([name]) => name))].filter(
    (name) => !words.test(name),
  );
}

/** The labels that a query chooses or groups by. */
export function labelsIn(expression: string): string[] {
  const bare = expression.replaceAll(/"[^"]*"/g, '""');
  const chosen = [...bare.matchAll(/[{,]\s*(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label);
  const grouped = [...bare.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  return [...new Set([...chosen, ...grouped])];
}
