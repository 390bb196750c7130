import { openHome } from '../../../home/home.ts';
import { openStore } from '../../../store/index.ts';
import { withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { coloured, formatSeconds, print, printJson, say } from '../../output.ts';
import { runsOfSchedule } from '../../schedule-runs.ts';
import { definitionElsewhere, definitionOf, openSchedule, whenText } from '../../schedules.ts';
import { table } from '../../table.ts';
import { utcTime } from '../../times.ts';

const shownTimes = 5;

/** `contrail schedule describe` */
export function scheduleDescribeCommand(id: string, { json }: { readonly json: boolean }): Promise<number> {
  checkScheduleId(id);
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    const { description, firing } = await openSchedule(server, id);
    const definition = await definitionOf(store, firing);
    const { info, state } = description;
    const next = state.paused ? [] : info.nextActionTimes.slice(0, shownTimes);
    const runs = await runsOfSchedule(server, id);
    if (json) {
      printJson({
        schedule: id,
        paused: state.paused,
        note: state.note ?? null,
        config: definition?.config ?? null,
        next: next.map((time) => time.toISOString()),
        taken: info.numActionsTaken,
        skippedForOverlap: info.numActionsSkippedOverlap,
        missed: info.numActionsMissedCatchupWindow,
        runs,
      });
      return 0;
    }
    print(`${id}: ${state.paused ? `paused (${state.note})` : 'active'}`);
    if (definition) {
      const { config, plan, source } = definition;
      print(`pipeline   ${plan.name} (${source.file})`);
      print(`when       ${whenText(config)}`);
      print(`overlap    ${config.overlap}; starts up to ${config.catchUp} late`);
      if (config.onlyIfChanged) print(`only if    the ${config.onlyIfChanged} changed`);
      if (config.pauseOnFailure) print('on failure pauses');
      if (Object.keys(config.params).length > 0) print(`params     ${JSON.stringify(config.params)}`);
    } else say(definitionElsewhere);
    if (next.length > 0) print(`next       ${next.map(utcTime).join('\n           ')}`);
    print(
      `so far     ${info.numActionsTaken} started, ${info.numActionsSkippedOverlap} skipped for overlap, ${info.numActionsMissedCatchupWindow} missed`,
    );
    if (runs.length > 0)
      print(
        `\n${table(
          ['run', 'state', 'started', 'took'],
          runs.map(({ run, state: of, started, seconds }) => [
            run,
            coloured(of),
            utcTime(new Date(started)),
            seconds === null ? '' : formatSeconds(seconds),
          ]),
          { whole: ['run'] },
        )}`,
      );
    return 0;
  });
}
