import { scheduleAttribute } from '../workflows/search-attributes.ts';
import type { ServerClient } from './connection.ts';
import { whenAttributesAreKnown } from './runs.ts';

const shownRuns = 10;

/** The last runs of a schedule, newest first. */
export const runsOfSchedule = (server: ServerClient, schedule: string) =>
  whenAttributesAreKnown(server, () => listRuns(server, schedule));

async function listRuns({ lister }: ServerClient, schedule: string) {
  const runs: { run: string; state: string; started: string; seconds: number | null }[] = [];
  const query = `WorkflowType = 'pipeline' AND ${scheduleAttribute.name} = '${schedule}'`;
  for await (const { workflowId, status, startTime, closeTime } of lister.workflow.list({ query })) {
    runs.push({
      run: workflowId,
      state: status.name.toLowerCase(),
      started: startTime.toISOString(),
      seconds: closeTime ? (closeTime.getTime() - startTime.getTime()) / 1000 : null,
    });
    if (runs.length >= shownRuns) break;
  }
  return runs;
}
