import { withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { say } from '../../output.ts';
import { openSchedule } from '../../schedules.ts';

/** `contrail schedule pause` and `unpause` */
export function schedulePauseCommand(
  id: string,
  paused: boolean,
  { note }: { readonly note?: string },
): Promise<number> {
  checkScheduleId(id);
  return withServer(async (server) => {
    const { handle } = await openSchedule(server, id);
    const why = note ?? `${paused ? 'paused' : 'unpaused'} with contrail`;
    await (paused ? handle.pause(why) : handle.unpause(why));
    say(paused ? `${id} is paused; runs that are going on go on.` : `${id} is active again.`);
    return 0;
  });
}
