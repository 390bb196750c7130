import type { ServedBy } from '../../contracts/serving.ts';
import { type Definitions, openRegistry } from '../../metrics/registry.ts';

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

const seconds = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const;

/** The metrics of a server. */
export const serverMetrics = {
  contrail_requests_total: {
    type: 'counter',
    help: 'Requests that were answered; status 499 where the client left first.',
    labels: ['route', 'status'],
  },
  contrail_request_seconds: {
    type: 'histogram',
    help: 'From the first byte of a request to the last of its answer.',
    labels: ['route'],
    buckets: seconds,
  },
  contrail_batch_images: {
    type: 'histogram',
    help: 'Photos that were computed together.',
    labels: [],
    buckets: [1, 2, 4, 8, 16, 32, 64],
  },
  contrail_batch_seconds: {
    type: 'histogram',
    help: 'Time in which a batch was computed.',
    labels: [],
    buckets: seconds,
  },
  contrail_queue_images: { type: 'gauge', help: 'Photos that wait to be computed.', labels: [] },
  contrail_requests_in_flight: { type: 'gauge', help: 'Requests that arrive or are in work.', labels: [] },
  contrail_images_in_flight: {
    type: 'gauge',
    help: 'Photos that are decoded, wait, or are computed.',
    labels: [],
  },
  contrail_ready: { type: 'gauge', help: '1 where requests are answered.', labels: [] },
  contrail_index_usable: {
    type: 'gauge',
    help: '1 where look-alikes are searched; 0 where there is no index, or it cannot be used.',
    labels: [],
  },
  contrail_process_restarts_total: {
    type: 'counter',
    help: 'Processes of TensorFlow that took the place of one that died.',
    labels: [],
  },
  contrail_swaps_failed_total: {
    type: 'counter',
    help: 'Tries to open a promoted version that failed.',
    labels: [],
  },
  contrail_model_version: { type: 'gauge', help: 'Version that is served; 0 for a run.', labels: ['model'] },
  contrail_model_info: {
    type: 'gauge',
    help: 'What is served.',
    labels: ['model', 'version', 'encoder', 'index'],
  },
} as const satisfies Definitions;

export function createMetrics({ waiting, requests, images, ready, searchable }: Gauges): Metrics {
  const { instruments, text, contentType } = openRegistry(serverMetrics);
  return {
    answered: (route, status, taken) => {
      instruments.contrail_requests_total.inc({ route, status });
      instruments.contrail_request_seconds.observe({ route }, taken);
    },
    computed: (count, taken) => {
      instruments.contrail_batch_images.observe(count);
      instruments.contrail_batch_seconds.observe(taken);
    },
    restarted: () => instruments.contrail_process_restarts_total.inc(),
    swapFailed: () => instruments.contrail_swaps_failed_total.inc(),
    serving: ({ model, version, encoder, index }) => {
      instruments.contrail_model_version.set({ model }, version ?? 0);
      instruments.contrail_model_info.reset();
      instruments.contrail_model_info.set({ model, version: String(version ?? ''), encoder, index: index ?? '' }, 1);
    },
    text: () => {
      instruments.contrail_queue_images.set(waiting());
      instruments.contrail_requests_in_flight.set(requests());
      instruments.contrail_images_in_flight.set(images());
      instruments.contrail_ready.set(Number(ready()));
      instruments.contrail_index_usable.set(Number(searchable()));
      return text();
    },
    contentType,
  };
}
