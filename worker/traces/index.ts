import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import type { PayloadKeys } from '../../payloads/index.ts';
import { openTraces } from '../../traces/index.ts';
import type { TrainerHost } from '../../training/host.ts';
import type { TraceSinks } from '../../workflows/traces.ts';
import { traceActivities } from './activities.ts';
import { traceTrainers } from './trainers.ts';
import { traceWorkflows } from './workflows.ts';

export { headerOf } from './header.ts';

/** The spans of a worker: of executions of workflows, of attempts at activities, and of what trainers do. */
export interface WorkerTraces {
  readonly activities: ActivityInterceptorsFactory;
  readonly sinks: InjectedSinks<TraceSinks>;
  /** The same trainers, with spans of their jobs. */
  readonly watched: (host: TrainerHost) => TrainerHost;
  readonly close: () => Promise<void>;
}

/** A worker that stops waits so long for its last spans to be taken. */
const lastSpansMs = 5000;

/** Opens the traces of a worker; null where the environment names no endpoint. */
export async function openWorkerTraces(
  keys: PayloadKeys | null,
  namespace: string,
  { version, say }: { readonly version: string; readonly say: (line: string) => void },
): Promise<WorkerTraces | null> {
  const traces = await openTraces({ service: 'contrail-worker', version, say });
  if (!traces) return null;
  const ofRuns = traceWorkflows(traces, keys, namespace);
  return {
    activities: traceActivities(traces, ofRuns),
    sinks: ofRuns.sinks,
    watched: (host) => traceTrainers(host, traces),
    close: () => traces.close(lastSpansMs),
  };
}
