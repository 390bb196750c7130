import { getExternalWorkflowHandle, workflowInfo } from '@temporalio/workflow';

/** Signals the run that a step's own workflow belongs to. It may have ended meanwhile; that is no reason to stop. */
export async function tellParent(
  say: (parent: ReturnType<typeof getExternalWorkflowHandle>) => Promise<void>,
): Promise<void> {
  const { parent } = workflowInfo();
  if (parent) await say(getExternalWorkflowHandle(parent.workflowId)).catch(() => undefined);
}
