import type { Payload } from '@temporalio/common';
import type { InjectedSinks } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { PayloadKeys } from '../../payloads/index.ts';
import { type Link, spanIdOf, type Traces, traceIdOf } from '../../traces/index.ts';
import { pipelineAttribute } from '../../workflows/search-attributes.ts';
import type { TraceSinks } from '../../workflows/traces.ts';
import { readHeader, type TraceOrigin } from './header.ts';

/** Which span an execution of a workflow has: it follows from the header and the execution, whichever worker asks. */
export interface TracesOfRuns {
  /** Null for a header that cannot be read. */
  readonly spanOf: (header: Payload, execution: string) => Link | null;
  readonly sinks: InjectedSinks<TraceSinks>;
}

/** From a workflow's thread only data arrive, so `typedSearchAttributes` has no methods here. */
const pipelineOf = ({ searchAttributes }: WorkflowInfo): string | undefined =>
  searchAttributes[pipelineAttribute.name]?.map(String)[0];

/** Spans of workflows. They are sent when an execution ends; one that is terminated has none. */
export function traceWorkflows(traces: Traces, keys: PayloadKeys | null, namespace: string): TracesOfRuns {
  const within = (origin: TraceOrigin, execution: string): Link => {
    if (origin.is === 'command') return { ...origin.link, spanId: spanIdOf(execution) };
    const traceId = traceIdOf(origin.id);
    return { traceId, spanId: spanIdOf(execution), sampled: traces.samples(traceId) };
  };
  const parentOf = (origin: TraceOrigin, execution: string, parent: string | undefined): Link | null => {
    if (parent !== undefined) return within(origin, parent);
    if (origin.is === 'command') return origin.link;
    return origin.id === execution ? null : within(origin, origin.id);
  };
  return {
    spanOf: (header, execution) => {
      const origin = readHeader(header, keys, namespace);
      return origin && within(origin, execution);
    },
    sinks: {
      traces: {
        ended: {
          callDuringReplay: false,
          fn: (info, header, end) => {
            const origin = readHeader(header, keys, namespace);
            if (!origin) return;
            const { traceId, spanId } = within(origin, info.runId);
            traces
              .begin(info.workflowType, {
                parent: parentOf(origin, info.runId, info.parent?.runId),
                at: info.runStartTime.getTime(),
                ids: { traceId, spanId },
                attributes: {
                  'contrail.pipeline': pipelineOf(info),
                  'contrail.outcome': end,
                  'temporal.workflow.id': info.workflowId,
                  'temporal.run.id': info.runId,
                },
              })
              .end(end === 'failed' ? { failed: 'RunFailed' } : {});
          },
        },
      },
    },
  };
}
