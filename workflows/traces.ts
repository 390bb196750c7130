import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import {
  ContinueAsNew,
  isCancellation,
  proxySinks,
  type Sinks,
  type WorkflowInterceptors,
  workflowInfo,
} from '@temporalio/workflow';
import { traceHeader, type WorkflowEnd } from '../contracts/traces.ts';

/** What a worker that traces hears of its workflows. */
export interface TraceSinks extends Sinks {
  readonly traces: { readonly ended: (header: Payload, end: WorkflowEnd) => void };
}

/**
 * Passes the header of a trace on to all that a workflow starts, and tells how the workflow ended. Part of the workflows' code only
 * where a worker traces. Nothing here goes into a command but the header, which no replay compares, so workers that trace and
 * workers that do not may share a run.
 *
 * What is in the header is not looked at: with keys it is encrypted, which workflows cannot read. Where no command started the run,
 * as in a schedule, the header is the execution that the trace begins with.
 */
export const interceptors = (): WorkflowInterceptors => {
  const { traces } = proxySinks<TraceSinks>();
  let header: Payload | undefined;
  const headers = () => {
    header ??= defaultPayloadConverter.toPayload(workflowInfo().runId);
    return { [traceHeader]: header };
  };
  const told = (end: WorkflowEnd) => {
    const { [traceHeader]: own } = headers();
    if (own) traces.ended(own, end);
  };
  return {
    inbound: [
      {
        execute: async (input, next) => {
          header = input.headers[traceHeader];
          try {
            const result = await next(input);
            told('done');
            return result;
          } catch (error) {
            if (error instanceof ContinueAsNew) told('continued');
            else told(isCancellation(error) ? 'cancelled' : 'failed');
            throw error;
          }
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: { ...input.headers, ...headers() } }),
        startChildWorkflowExecution: (input, next) => next({ ...input, headers: { ...input.headers, ...headers() } }),
        continueAsNew: (input, next) => next({ ...input, headers: { ...input.headers, ...headers() } }),
      },
    ],
  };
};
