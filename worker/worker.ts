import { join } from 'node:path';
import { Client } from '@temporalio/client';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { createActivities } from '../activities/index.ts';
import type { ContrailError } from '../contracts/errors.ts';
import { describeEnvironment } from '../home/environment.ts';
import type { Home } from '../home/home.ts';
import { trainerEnvironment } from '../native/index.ts';
import { dataConverterOf, payloadKeys } from '../payloads/index.ts';
import { openStore } from '../store/index.ts';
import { createTrainerHost, trainerStopMs } from '../training/host.ts';
import { stepTroubleSignal } from '../workflows/messages.ts';
import { controlQueue } from '../workflows/options.ts';
import { claimNamespace, ownerOfHome, renewClaim, requireSameStore } from './belonging.ts';
import { guardActivities } from './guard.ts';
import { logActivities, type TellRun } from './log-activities.ts';
import { openLogFile } from './log-file.ts';
import { type EndpointOptions, openWorkerMetrics } from './metrics/index.ts';
import { createRunLogs } from './run-logs.ts';
import { registerSearchAttributes } from './search-attributes.ts';
import { openWorkerTraces } from './traces/index.ts';
import { bundledWorkflows } from './workflow-bundle.ts';

/** A task queue that a worker serves, and how many steps of it at a time. */
export interface QueueSlots {
  readonly queue: string;
  readonly slots: number;
}

export const defaultQueues: readonly QueueSlots[] = [
  { queue: 'cpu', slots: 2 },
  { queue: 'gpu', slots: 1 },
];

/** Work that does not end within this is left behind; Temporal gives it to another worker. */
const stepsEndMs = 3 * 60_000;
/** Logs and metrics are written out, and connections closed. */
const closingMs = 20_000;

/**
 * How long a worker takes to stop at most, from the signal to the end of its process. Whoever stops workers must wait for so long before
 * it kills them.
 */
export const longestStopMs = stepsEndMs + trainerStopMs + closingMs;

export interface RunningWorker {
  /** The port that answers with metrics; null where none does. */
  readonly metricsPort: number | null;
  /** Ends when the worker has shut down. */
  readonly stopped: Promise<void>;
  readonly stop: () => void;
  /** How many steps are in work now: activities of its queues, which includes the shards of an embedding. */
  readonly inWork: () => number;
}

/**
 * Starts a worker: workflows and look-ups on the control queue, steps on the given queues, each training in a trainer
 * process of its own.
 *
 * On shutdown it cancels its steps at once; their trainers checkpoint at the next step boundary, and another worker goes
 * on from there.
 */
export async function startWorker(
  home: Home,
  {
    queues,
    log,
    server,
    ownSteps = false,
    metrics: endpoint = null,
  }: {
    readonly queues: readonly QueueSlots[];
    readonly log: (line: string) => void;
    readonly server: ClientConnectConfig;
    /** Run code of the user's own: whoever starts a run then runs commands on this machine. @default false */
    readonly ownSteps?: boolean;
    /** Where it answers with its metrics. @default nowhere */
    readonly metrics?: EndpointOptions | null;
  },
): Promise<RunningWorker> {
  const logger = openLogFile(join(home.logFolder, 'worker.log'), log);
  const store = openStore(home.storeUrl);
  const environment = describeEnvironment();
  const metrics =
    endpoint && (await openWorkerMetrics(endpoint, { store, queues, version: environment.contrail ?? 'unknown' }));
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) =>
      logger[levels[level] ?? 'info'](meta ?? {}, message),
    ),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(metrics ? { metrics: metrics.telemetry } : {}),
    },
    // The entry point listens for signals itself.
    shutdownSignals: [],
  });
  const { connectionOptions, namespace = 'default' } = server;
  const keys = payloadKeys();
  const dataConverter = dataConverterOf(keys);
  const connection = await NativeConnection.connect(connectionOptions);
  const client = new Client({ connection, namespace, dataConverter });
  const where = `The namespace ${namespace} at ${connectionOptions.address}`;
  await store.ready();
  const owner = await ownerOfHome(home);
  requireSameStore(await claimNamespace(client, owner), owner, where);
  if (await renewClaim(client, keys))
    logger.info({}, `whose ${where} is was encrypted anew, with the key ${keys?.current}`);
  await registerSearchAttributes(connection.operatorService, namespace);
  const runLogs = createRunLogs(store, {
    onRefused: (err, run) => logger.warn({ err, run }, 'a run log cannot be written; its lines are held until it can'),
    onTaken: (run) => logger.info({ run }, 'the run log is written again, with the lines that were held'),
    onLost: (lines) => {
      for (const { level, message, ...of } of lines) logger[level](of, message);
    },
  });
  const ownHost = createTrainerHost({
    entry: new URL('./trainer.ts', import.meta.url),
    storeUrl: home.storeUrl,
    environment: trainerEnvironment(),
    log: (key, line) => {
      logger.info({ source: 'trainer', ...key }, line);
      runLogs.say(key, { level: 'info', source: 'trainer', message: line });
    },
  });
  const traces = await openWorkerTraces(keys, namespace, {
    version: environment.contrail ?? 'unknown',
    say: (line) => logger.warn({}, line),
  });
  const counted = metrics?.watched(ownHost) ?? ownHost;
  const host = traces?.watched(counted) ?? counted;
  const tellRun: TellRun = (run, report) => client.workflow.getHandle(run).signal(stepTroubleSignal, report);
  const activities = createActivities({
    store,
    host,
    cacheFolder: home.cacheFolder,
    queues: queues.map(({ queue }) => queue),
    ownSteps,
    say: (key, line) => {
      logger.info({ source: 'program', ...key }, line);
      runLogs.say(key, { level: 'info', source: 'program', message: line });
    },
    environment,
  });
  let foreign: ContrailError | null = null;
  const guard = guardActivities(client, owner, where, (error) => {
    foreign = error;
    stop();
  });
  const shared = {
    connection,
    namespace,
    dataConverter,
    activities,
    // A stranger's step must not reach the run's log either.
    interceptors: {
      activity: [
        guard,
        ...(traces ? [traces.activities] : []),
        logActivities(runLogs, tellRun),
        ...(metrics ? [metrics.activities] : []),
      ],
    },
    ...(traces ? { sinks: traces.sinks } : {}),
    maxHeartbeatThrottleInterval: '2s',
    defaultHeartbeatThrottleInterval: '2s',
    shutdownForceTime: stepsEndMs,
  } satisfies Partial<WorkerOptions>;
  const workflowBundle = await bundledWorkflows((message) => logger.warn(message), {
    encodesFailures: keys !== null,
    traced: traces !== null,
  });
  const workers = await Promise.all([
    Worker.create({ ...shared, taskQueue: controlQueue, workflowBundle }),
    ...queues.map(({ queue, slots }) =>
      Worker.create({ ...shared, taskQueue: queue, maxConcurrentActivityTaskExecutions: slots }),
    ),
  ]);
  metrics?.begin(client, namespace, () => workers.every((worker) => worker.getState() === 'RUNNING'));
  log(
    `worker ready: ${[`workflows on ${controlQueue}`, ...queues.map(({ queue, slots }) => `${slots} at a time on ${queue}`)].join(', ')}`,
  );
  const stop = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const closeParts = async () => {
    await host.closeAll();
    await runLogs.close();
    await metrics?.close();
    await traces?.close();
  };
  const stopped = Promise.all(
    workers.map((worker) =>
      worker.run().catch((error: unknown) => {
        stop();
        throw error;
      }),
    ),
  ).then(
    async () => {
      await closeParts();
      await connection.close();
      if (foreign) throw foreign;
    },
    async (error: unknown) => {
      await closeParts();
      throw error;
    },
  );
  const inWork = () => workers.slice(1).reduce((sum, worker) => sum + worker.getStatus().numInFlightActivities, 0);
  return { metricsPort: metrics?.port ?? null, stopped, stop, inWork };
}

const levels: Readonly<Record<string, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};
