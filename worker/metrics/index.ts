import type { Client } from '@temporalio/client';
import type { ActivityInterceptorsFactory, TelemetryOptions } from '@temporalio/worker';
import { openRegistry } from '../../metrics/registry.ts';
import { trackSeries } from '../../metrics/series.ts';
import { findGpus, gpusInUse } from '../../native/gpu.ts';
import type { Store } from '../../store/index.ts';
import type { TrainerHost } from '../../training/host.ts';
import { countActivities } from './count-activities.ts';
import { workerMetrics } from './definitions.ts';
import { type EndpointOptions, startEndpoint } from './endpoint.ts';
import { every } from './every.ts';
import { forgetServer, lookAtSchedules, lookAtServer } from './look-at-server.ts';
import { factsOfRuns } from './pipelines-of-runs.ts';
import { countSteps, type WorkerInstruments } from './step-metrics.ts';
import { createStepStates } from './step-states.ts';
import { chooseSdkAddress } from './temporal-sdk.ts';
import { watchTrainings } from './watch-trainings.ts';

export type { EndpointOptions } from './endpoint.ts';

/** The metrics of a worker, and the endpoint that answers with them. */
export interface WorkerMetrics {
  readonly port: number;
  /** For the runtime of Temporal's SDK, before it is made. */
  readonly telemetry: NonNullable<TelemetryOptions['metrics']>;
  /** Counts what activities do. */
  readonly activities: ActivityInterceptorsFactory;
  /** The same trainers, with metrics of what they train. */
  readonly watched: (host: TrainerHost) => TrainerHost;
  /** The worker has begun; looks at the server from now on. @param isReady whether it takes work */
  readonly begin: (client: Client, namespace: string, isReady: () => boolean) => void;
  readonly close: () => Promise<void>;
}

export interface WorkerMetricsOptions {
  readonly store: Store;
  readonly version: string;
  readonly queues: readonly { readonly queue: string; readonly slots: number }[];
}

const lookMs = 15_000;
const lookAtSchedulesMs = 60_000;
/** A trainer without work is kept for so long, and the series of its training with it. */
const trainingIdleMs = 5 * 60_000;
/** Series of a step that has not been at work for so long go. Prometheus keeps what it has read. */
const stepIdleMs = 60 * 60_000;
const mostOwners = 2000;
/** What can fail to be read. */
const sources = ['server', 'store', 'gpu', 'temporal-sdk'] as const;

/** Opens the endpoint of a worker's metrics. @throws what Node says of a port that cannot be had */
export async function openWorkerMetrics(
  endpointOptions: EndpointOptions,
  { store, version, queues }: WorkerMetricsOptions,
): Promise<WorkerMetrics> {
  const { instruments, text, contentType } = openRegistry(workerMetrics);
  const failed = (source: (typeof sources)[number], by = 1) =>
    instruments.contrail_metrics_errors_total.inc({ source }, by);
  for (const source of sources) failed(source, 0);
  instruments.contrail_worker_info.set({ version }, 1);
  for (const { queue, slots } of queues) instruments.contrail_worker_slots.inc({ queue }, slots);
  const facts = factsOfRuns(store, () => failed('store'));
  const [live, counted] = [trackSeries(mostOwners), trackSeries(mostOwners)];
  const sdk = await chooseSdkAddress();
  let begun: { readonly isReady: () => boolean; readonly looks: readonly (() => Promise<void>)[] } | null = null;
  const endpoint = await startEndpoint(endpointOptions, {
    contentType,
    text: async () => {
      live.dropIdle(trainingIdleMs);
      counted.dropIdle(stepIdleMs);
      // Before the worker has begun, the SDK has none.
      const ofSdk = begun ? await sdk.text().catch(() => void failed('temporal-sdk')) : undefined;
      return `${await text()}${ofSdk ?? ''}`;
    },
    notReady: () => {
      if (!begun) return 'The worker is starting.';
      return begun.isReady() ? null : 'The worker takes no work.';
    },
  });
  const stopGpus = await watchGpus(instruments, () => failed('gpu'));
  return {
    port: endpoint.port,
    telemetry: sdk.telemetry,
    activities: countActivities(countSteps(instruments, counted, facts.pipelineOf)),
    watched: (host) => watchTrainings(host, instruments, { live, counted }, facts.pipelineOf),
    begin: (client, namespace, isReady) => {
      const look = {
        client,
        namespace,
        queues: queues.map(({ queue }) => queue),
        facts,
        steps: createStepStates(),
        onSilent: () => failed('server'),
        instruments,
      };
      begun = {
        isReady,
        looks: [
          every(lookMs, (signal) =>
            lookAtServer(look, signal).then(
              () => instruments.contrail_temporal_up.set(1),
              () => {
                failed('server');
                instruments.contrail_temporal_up.set(0);
                forgetServer(instruments);
              },
            ),
          ),
          every(lookAtSchedulesMs, (signal) => lookAtSchedules(look, signal).catch(() => failed('server'))),
        ],
      };
    },
    close: async () => {
      await Promise.all([...(begun?.looks ?? []), stopGpus].map((stop) => stop()));
      await endpoint.close();
    },
  };
}

/** Shows what the GPUs of this machine are doing; nothing where there are none. @returns ends it */
async function watchGpus(instruments: WorkerInstruments, onFailed: () => void): Promise<() => Promise<void>> {
  if ((await findGpus()).length === 0) return async () => {};
  const byName = [
    instruments.contrail_gpu_memory_used_bytes,
    instruments.contrail_gpu_memory_total_bytes,
    instruments.contrail_gpu_utilization_ratio,
  ] as const;
  const [used, total, utilization] = byName;
  const bytes = (mebibytes: number) => mebibytes * 2 ** 20;
  return every(lookMs, async () => {
    const gpus = await gpusInUse().catch(() => {
      onFailed();
      return [];
    });
    for (const each of byName) each.reset();
    for (const { index: gpu, usedMiB, totalMiB, utilization: share } of gpus) {
      used.set({ gpu }, bytes(usedMiB));
      total.set({ gpu }, bytes(totalMiB));
      if (share !== null) utilization.set({ gpu }, share);
    }
  });
}
