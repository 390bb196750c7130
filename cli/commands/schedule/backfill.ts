import { ContrailError } from '../../../contracts/errors.ts';
import type { ScheduleConfig } from '../../../contracts/plan.ts';
import { withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { say } from '../../output.ts';
import { openSchedule, overlapPolicy } from '../../schedules.ts';
import { utcTime } from '../../times.ts';

/** `contrail schedule backfill` */
export function scheduleBackfillCommand(
  id: string,
  { from, to, overlap }: { readonly from: Date; readonly to: Date; readonly overlap: ScheduleConfig['overlap'] },
): Promise<number> {
  checkScheduleId(id);
  if (from >= to) throw new ContrailError('Usage', '--from must be before --to.');
  return withServer(async (server) => {
    const { handle } = await openSchedule(server, id);
    await handle.backfill({ start: from, end: to, overlap: overlapPolicy(overlap) });
    say(`Temporal starts the runs of ${id} from ${utcTime(from)} to ${utcTime(to)} (overlap: ${overlap}).`);
    return 0;
  });
}
