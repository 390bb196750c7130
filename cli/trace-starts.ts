import type { WorkflowClientInterceptor } from '@temporalio/client';
import { traceHeader } from '../contracts/traces.ts';
import { describeEnvironment } from '../home/environment.ts';
import type { PayloadKeys } from '../payloads/index.ts';
import { headerOf } from '../worker/traces/header.ts';
import { scheduledWorkflow } from '../workflows/options.ts';
import { commandLink } from './command-trace.ts';

/** Makes the runs that a command starts part of its trace. */
export const traceStarts = (keys: PayloadKeys | null, namespace: string): WorkflowClientInterceptor => ({
  startWithDetails: async (input, next) => {
    // Whose a namespace is, is a workflow as well, which no worker ever does.
    if (input.workflowType !== 'pipeline' && input.workflowType !== scheduledWorkflow) return next(input);
    const link = await commandLink(describeEnvironment().contrail ?? 'unknown');
    if (!link) return next(input);
    const header = await headerOf(link, keys, { namespace, workflowId: input.options.workflowId });
    return next({ ...input, headers: { ...input.headers, [traceHeader]: header } });
  },
});
