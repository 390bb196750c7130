import { z } from 'zod';
import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import { type ScheduleConfig, scheduleSchema } from '../../contracts/plan.ts';
import { scheduleIdSchema } from '../../contracts/schedules.ts';
import { openHome } from '../../home/home.ts';
import { openStore, removeSchedule, saveScheduleDefinition } from '../../store/index.ts';
import { scheduleAttribute } from '../../workflows/search-attributes.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { coloured, formatSeconds, print, printJson, say, table } from '../output.ts';
import { openPipelineFile } from '../pipeline-file.ts';
import { refusalOf } from '../refusals.ts';
import { whenAttributesAreKnown } from '../runs.ts';
import {
  definitionElsewhere,
  definitionOf,
  openSchedule,
  overlapPolicy,
  scheduledWorkflow,
  scheduleExists,
  scheduleOptions,
  whenText,
} from '../schedules.ts';

const shownTimes = 5;
const shownRuns = 10;

/** @throws ContrailError Usage */
export function checkScheduleId(id: string): string {
  const checked = scheduleIdSchema.safeParse(id);
  if (!checked.success)
    throw new ContrailError('Usage', `The schedule id ${JSON.stringify(id)} ${checked.error.issues[0]?.message}.`);
  return id;
}

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
      if (next && !description.state.paused) say(`The next run starts at ${moment(next)}.`);
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
            paused ? 'paused' : next ? moment(new Date(next)) : 'never',
            last ? moment(new Date(last)) : '',
          ]),
        ),
      );
    return 0;
  });
}

/** `contrail schedule describe` */
export function scheduleDescribeCommand(id: string, { json }: { readonly json: boolean }): Promise<number> {
  checkScheduleId(id);
  const store = openStore(openHome().storeUrl);
  return withServer(async (server) => {
    const { description, firing } = await openSchedule(server, id);
    const definition = await definitionOf(store, firing);
    const { info, state } = description;
    const next = state.paused ? [] : info.nextActionTimes.slice(0, shownTimes);
    const runs = await runsOf(server, id);
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
    if (next.length > 0) print(`next       ${next.map(moment).join('\n           ')}`);
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
            moment(new Date(started)),
            seconds === null ? '' : formatSeconds(seconds),
          ]),
        )}`,
      );
    return 0;
  });
}

/** The last runs of a schedule, newest first. */
export const runsOf = (server: ServerClient, schedule: string) =>
  whenAttributesAreKnown(server, () => listRuns(server, schedule));

async function listRuns({ client }: ServerClient, schedule: string) {
  const runs: { run: string; state: string; started: string; seconds: number | null }[] = [];
  const query = `WorkflowType = 'pipeline' AND ${scheduleAttribute.name} = '${schedule}'`;
  for await (const { workflowId, status, startTime, closeTime } of client.workflow.list({ query })) {
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

/** 2026-11-24 03:00:00 UTC */
const moment = (time: Date): string => `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

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
    say(`Temporal starts the runs of ${id} from ${moment(from)} to ${moment(to)} (overlap: ${overlap}).`);
    return 0;
  });
}

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
