import { openHome } from '../../../home/home.ts';
import { openStore, removeSchedule } from '../../../store/index.ts';
import { withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { say } from '../../output.ts';
import { openSchedule } from '../../schedules.ts';

/** `contrail schedule delete` */
export function scheduleDeleteCommand(id: string): Promise<number> {
  checkScheduleId(id);
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    const { handle } = await openSchedule(server, id);
    await handle.delete();
    await removeSchedule(store, id);
    say(`Deleted schedule ${id}; its runs stay.`);
    return 0;
  });
}
