import { type Command, Option } from 'commander';
import { scheduleSchema } from '../../contracts/plan.ts';
import { type Finish, jsonOption, moment, setOption } from './options.ts';

const overlaps = scheduleSchema.shape.overlap.unwrap().options;
const overlapOption = () =>
  new Option('--overlap <policy>', 'what happens when the run before is still going on').choices(overlaps);

/** `contrail schedule …` */
export function addSchedule(program: Command, finish: Finish): void {
  const schedule = program.command('schedule').description('runs that start by themselves');
  schedule
    .command('create <pipeline>')
    .description("make a schedule, from the pipeline's `schedule` and these options")
    .option('--id <schedule>', 'name it (default: the name of the pipeline)')
    .addOption(setOption())
    .option('--cron <times...>', 'when, as in cron: "0 3 * * 1"')
    .option('--every <interval>', 'at this interval: 6h')
    .option('--timezone <name>', 'of the cron times: Europe/Paris')
    .option('--jitter <duration>', 'start at a random moment up to so much later')
    .addOption(overlapOption())
    .option('--catch-up <duration>', 'how late a run that was missed may still start')
    .option('--pause-on-failure', 'pause the schedule when a run fails')
    .addOption(new Option('--only-if-changed <what>', 'end at once where it is as in the last run').choices(['data']))
    .option('--paused', 'do not start anything yet', false)
    .option('--replace', 'change the schedule of that name', false)
    .addOption(jsonOption())
    .action(async (file, options) =>
      finish((await import('../commands/schedule/create.ts')).scheduleCreateCommand(file, options)),
    );
  schedule
    .command('list')
    .description('show the schedules')
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/schedule/list.ts')).scheduleListCommand(options)));
  schedule
    .command('describe <schedule>')
    .description('show what it starts, when next, and its last runs')
    .addOption(jsonOption())
    .action(async (id, options) =>
      finish((await import('../commands/schedule/describe.ts')).scheduleDescribeCommand(id, options)),
    );
  schedule
    .command('trigger <schedule>')
    .description('start a run now')
    .addOption(setOption())
    .addOption(overlapOption())
    .addOption(jsonOption())
    .action(async (id, options) =>
      finish((await import('../commands/schedule/trigger.ts')).scheduleTriggerCommand(id, options)),
    );
  for (const [name, paused, what] of [
    ['pause', true, 'start nothing until it is unpaused'],
    ['unpause', false, 'start runs again'],
  ] as const)
    schedule
      .command(`${name} <schedule>`)
      .description(what)
      .option('--note <text>', 'why')
      .action(async (id, options) =>
        finish((await import('../commands/schedule/pause.ts')).schedulePauseCommand(id, paused, options)),
      );
  schedule
    .command('backfill <schedule>')
    .description('start the runs of a time that has passed')
    .requiredOption('--from <time>', '2026-11-01, or 2026-11-01T03:00:00Z', moment)
    .requiredOption('--to <time>', 'likewise', moment)
    .addOption(overlapOption().default('buffer-all'))
    .action(async (id, options) =>
      finish((await import('../commands/schedule/backfill.ts')).scheduleBackfillCommand(id, options)),
    );
  schedule
    .command('delete <schedule>')
    .description('forget it; its runs stay')
    .action(async (id) => finish((await import('../commands/schedule/delete.ts')).scheduleDeleteCommand(id)));
}
