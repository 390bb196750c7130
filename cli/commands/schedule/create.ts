import { z } from 'zod';
import { ContrailError } from '../../../contracts/errors.ts';
import type { Json } from '../../../contracts/json.ts';
import { type ScheduleConfig, scheduleSchema } from '../../../contracts/plan.ts';
import { openHome } from '../../../home/home.ts';
import { openStore, saveScheduleDefinition } from '../../../store/index.ts';
import { withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { printJson, say } from '../../output.ts';
import { openPipelineFile } from '../../pipeline-file.ts';
import { refusalOf } from '../../refusals.ts';
import { openSchedule, scheduleExists, scheduleOptions, whenText } from '../../schedules.ts';
import { utcTime } from '../../times.ts';

export interface CreateOptions {
  readonly id?: string;
  readonly set: Readonly<Record<string, Json>>;
  readonly cron?: readonly string[];
  readonly every?: string;
  readonly timezone?: string;
  readonly jitter?: string;
  readonly overlap?: string;
  readonly catchUp?: string;
  readonly pauseOnFailure?: boolean;
  readonly onlyIfChanged?: string;
  readonly paused: boolean;
  readonly replace: boolean;
  readonly json: boolean;
}

/** `contrail schedule create` */
export async function scheduleCreateCommand(file: string, options: CreateOptions): Promise<number> {
  const pipeline = await openPipelineFile(file);
  const config = configOf(options, pipeline.plan({}).schedule);
  const plan = pipeline.plan({ ...config.params, ...options.set });
  const id = checkScheduleId(options.id ?? plan.name);
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    const exists = await scheduleExists(server, id);
    if (exists && !options.replace)
      throw new ContrailError(
        'Usage',
        `There is a schedule ${id} already. Use --replace to change it, or another --id.`,
      );
    await pipeline.code.store(store);
    const definition = await saveScheduleDefinition(store, {
      format: 'contrail-schedule/1',
      schedule: id,
      plan,
      source: pipeline.source(),
      config: { ...config, params: { ...config.params, ...options.set } },
    });
    const told = scheduleOptions({ schedule: id, definition }, config);
    const { schedule } = server.client;
    await refusedAsUsage(async () => {
      if (exists) await schedule.getHandle(id).update(({ state }) => ({ ...told, state }));
      else
        await schedule.create({
          scheduleId: id,
          ...told,
          memo: { pipeline: plan.name },
          state: options.paused ? { paused: true, note: 'made paused' } : {},
        });
    });
    if (options.json) printJson({ schedule: id, definition });
    else {
      const { description } = await openSchedule(server, id);
      const [next] = description.info.nextActionTimes;
      say(`${exists ? 'Changed' : 'Made'} schedule ${id}: ${whenText(config)}`);
      if (next && !description.state.paused) say(`The next run starts at ${utcTime(next)}.`);
    }
    return 0;
  });
}

/** The pipeline's own schedule, with what the flags change. @throws ContrailError Usage */
function configOf(
  { cron, every, timezone, jitter, overlap, catchUp, pauseOnFailure, onlyIfChanged }: CreateOptions,
  declared: ScheduleConfig | undefined,
): ScheduleConfig {
  const flags = { timezone, jitter, overlap, catchUp, pauseOnFailure, onlyIfChanged };
  // A time on the command line takes the place of the pipeline's, whichever way each is written.
  const { cron: _, every: __, ...rest } = declared ?? {};
  const times = cron || every ? { cron, every } : { cron: declared?.cron, every: declared?.every };
  const given = Object.entries({ ...flags, ...times }).filter(([, value]) => value !== undefined);
  const parsed = scheduleSchema.safeParse({ ...rest, ...Object.fromEntries(given) });
  if (!parsed.success) throw new ContrailError('Usage', `The schedule is not valid: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.cron === undefined && parsed.data.every === undefined)
    throw new ContrailError('Usage', 'The pipeline has no `schedule`, so say when: --cron "0 3 * * 1" or --every 6h.');
  try {
    new Intl.DateTimeFormat('en', { timeZone: parsed.data.timezone });
  } catch {
    throw new ContrailError(
      'Usage',
      `${JSON.stringify(parsed.data.timezone)} is not a time zone. Use an IANA name such as Europe/Paris, or UTC.`,
    );
  }
  return parsed.data;
}

/** What the server finds wrong with a schedule is the user's to put right. */
async function refusedAsUsage(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    throw new ContrailError('Usage', `Temporal refused the schedule: ${refusal}.`, { cause: error });
  }
}
