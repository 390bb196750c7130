import { scheduledWorkflow } from '../../../workflows/options.ts';
import { withServer } from '../../connection.ts';
import { print, printJson, say } from '../../output.ts';
import { table } from '../../table.ts';
import { utcTime } from '../../times.ts';

/** `contrail schedule list` */
export function scheduleListCommand({ json }: { readonly json: boolean }): Promise<number> {
  return withServer(async ({ client }) => {
    const rows: { schedule: string; pipeline: string; paused: boolean; next: string | null; last: string | null }[] =
      [];
    for await (const { scheduleId, action, memo, state, info } of client.schedule.list())
      if (action?.workflowType === scheduledWorkflow)
        rows.push({
          schedule: scheduleId,
          pipeline: String(memo?.pipeline ?? ''),
          paused: state.paused,
          next: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
          last: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
        });
    if (json) printJson(rows);
    else if (rows.length === 0) say('No schedules yet. `contrail schedule create <pipeline>` makes one.');
    else
      print(
        table(
          ['schedule', 'pipeline', 'next', 'last'],
          rows.map(({ schedule, pipeline, paused, next, last }) => [
            schedule,
            pipeline,
            paused ? 'paused' : next ? utcTime(new Date(next)) : 'never',
            last ? utcTime(new Date(last)) : '',
          ]),
          { whole: ['schedule'] },
        ),
      );
    return 0;
  });
}
