import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServedBy } from '../../contracts/serving.ts';

/** What the server counts, for Prometheus. */
export interface Metrics {
  /** @param route the pattern of the route, so that no request can make a new one */
  readonly answered: (route: string, status: number, seconds: number) => void;
  readonly computed: (images: number, seconds: number) => void;
  readonly restarted: () => void;
  /** What is served from now on. */
  readonly serving: (by: ServedBy) => void;
  readonly swapFailed: () => void;
  readonly text: () => Promise<string>;
  readonly contentType: string;
}

/** What is read when the counts are asked for. */
export interface Gauges {
  readonly waiting: () => number;
  readonly requests: () => number;
  readonly images: () => number;
  readonly ready: () => boolean;
  readonly searchable: () => boolean;
}

const seconds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export function createMetrics({ waiting, requests, images, ready, searchable }: Gauges): Metrics {
  const register = new Registry();
  const registers = [register];
  collectDefaultMetrics({ register });
  const answers = new Counter({
    registers,
    name: 'contrail_requests_total',
    help: 'Requests that were answered; status 499 where the client left first.',
    labelNames: ['route', 'status'],
  });
  const latency = new Histogram({
    registers,
    name: 'contrail_request_seconds',
    help: 'From the first byte of a request to the last of its answer.',
    labelNames: ['route'],
    buckets: seconds,
  });
  const batches = new Histogram({
    registers,
    name: 'contrail_batch_images',
    help: 'Photos that were computed together.',
    buckets: [1, 2, 4, 8, 16, 32, 64],
  });
  const batchSeconds = new Histogram({
    registers,
    name: 'contrail_batch_seconds',
    help: 'Time in which a batch was computed.',
    buckets: seconds,
  });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      registers,
      name,
      help,
      collect() {
        this.set(value());
      },
    });
  gauge('contrail_queue_images', 'Photos that wait to be computed.', waiting);
  gauge('contrail_requests_in_flight', 'Requests that arrive or are in work.', requests);
  gauge('contrail_images_in_flight', 'Photos that are decoded, wait, or are computed.', images);
  gauge('contrail_ready', '1 where requests are answered.', () => Number(ready()));
  gauge(
    'contrail_index_usable',
    '1 where look-alikes are searched; 0 where there is no index, or it cannot be used.',
    () => Number(searchable()),
  );
  const restarts = new Counter({
    registers,
    name: 'contrail_process_restarts_total',
    help: 'Processes of TensorFlow that took the place of one that died.',
  });
  const swaps = new Counter({
    registers,
    name: 'contrail_swaps_failed_total',
    help: 'Tries to open a promoted version that failed.',
  });
  const version = new Gauge({
    registers,
    name: 'contrail_model_version',
    help: 'Version that is served; 0 for a run.',
    labelNames: ['model'],
  });
  const info = new Gauge({
    registers,
    name: 'contrail_model_info',
    help: 'What is served.',
    labelNames: ['model', 'version', 'encoder', 'index'],
  });
  return {
    answered: (route, status, taken) => {
      answers.inc({ route, status });
      latency.observe({ route }, taken);
    },
    computed: (images, taken) => {
      batches.observe(images);
      batchSeconds.observe(taken);
    },
    restarted: () => restarts.inc(),
    swapFailed: () => swaps.inc(),
    serving: ({ model, version: number, encoder, index }) => {
      version.set({ model }, number ?? 0);
      info.reset();
      info.set({ model, version: String(number ?? ''), encoder, index: index ?? '' }, 1);
    },
    text: () => register.metrics(),
    contentType: register.contentType,
  };
}
