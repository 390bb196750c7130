/** Temporal's header that says which trace a workflow or an activity belongs to. */
export const traceHeader = 'contrail-trace';

/** How an execution of a workflow ended; `continued` where its history began anew. */
export type WorkflowEnd = 'done' | 'failed' | 'cancelled' | 'continued';
