import { ContrailError } from '../../../contracts/errors.ts';
import type { Json } from '../../../contracts/json.ts';
import type { ScheduleConfig } from '../../../contracts/plan.ts';
import { type Firing, runOfFiring } from '../../../contracts/schedules.ts';
import { openHome } from '../../../home/home.ts';
import { openStore, type Store, saveScheduleDefinition } from '../../../store/index.ts';
import { controlQueue, scheduledWorkflow } from '../../../workflows/options.ts';
import { type ServerClient, withServer } from '../../connection.ts';
import { checkScheduleId } from '../../given-names.ts';
import { printJson, say } from '../../output.ts';
import { planSource } from '../../pipeline-file.ts';
import { runsOfSchedule } from '../../schedule-runs.ts';
import { definitionElsewhere, definitionOf, openSchedule, overlapPolicy } from '../../schedules.ts';

const triggerWaitMs = 10_000;

export interface TriggerOptions {
  /** Params of this run alone. */
  readonly set: Readonly<Record<string, Json>>;
  readonly overlap?: ScheduleConfig['overlap'];
  readonly json: boolean;
}

/** `contrail schedule trigger`: a run now, under the schedule's own overlap policy. */
export function scheduleTriggerCommand(id: string, { set, overlap, json }: TriggerOptions): Promise<number> {
  checkScheduleId(id);
  return withServer(async (server) => {
    const schedule = await openSchedule(server, id);
    const answer =
      Object.keys(set).length > 0
        ? await triggerWith(server, openStore(openHome().storeUrl), { id, ...schedule, set, overlap })
        : await trigger(schedule, overlap);
    if (json) printJson({ schedule: id, ...answer });
    else if (answer.run !== null) say(`Started ${answer.run}`);
    else if (answer.skipped === undefined)
      say('Temporal has taken it up; the run starts when those before it are done.');
    else if (answer.skipped === 'overlap')
      say(`Skipped: ${goingOn(schedule)} is still going on. --overlap allow-all starts one beside it.`);
    else
      say(
        `Skipped: as many runs as may wait, wait behind ${goingOn(schedule)} already. --overlap buffer-all lets more wait, allow-all starts one beside it.`,
      );
    return 0;
  });
}

type OpenSchedule = Awaited<ReturnType<typeof openSchedule>>;
/** `overlap`: another run is going on; `buffer`: and as many as may wait for its end wait already. */
type Triggered = { readonly run: string | null; readonly skipped?: 'overlap' | 'buffer' };

const goingOn = ({ description }: OpenSchedule) =>
  description.info.runningActions.map(({ workflow }) => runOfFiring(workflow.workflowId)).join(', ') ||
  'the run before';

/** Has the schedule start a run, and waits until it is known what became of that. */
export async function trigger(
  { handle, description }: Pick<OpenSchedule, 'handle' | 'description'>,
  overlap?: ScheduleConfig['overlap'],
): Promise<Triggered> {
  const policy = overlap ? overlapPolicy(overlap) : description.policies.overlap;
  await handle.trigger(policy);
  const before = description.info;
  const droppedBefore = dropped(description);
  const known = new Set(before.recentActions.map(({ action }) => action.workflow.workflowId));
  for (const end = Date.now() + triggerWaitMs; Date.now() < end; ) {
    const now = await handle.describe();
    const { info } = now;
    const started = info.recentActions.find(({ action }) => !known.has(action.workflow.workflowId));
    if (started) return { run: runOfFiring(started.action.workflow.workflowId) };
    // A policy that lets runs wait skips one only where no more may wait.
    const waits = policy === overlapPolicy('buffer-one') || policy === overlapPolicy('buffer-all');
    if (info.numActionsSkippedOverlap > before.numActionsSkippedOverlap)
      return { run: null, skipped: waits ? 'buffer' : 'overlap' };
    if (dropped(now) > droppedBefore) return { run: null, skipped: 'buffer' };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { run: null };
}

const dropped = ({ raw }: OpenSchedule['description']): number => Number(raw.info?.bufferDropped ?? 0);

/**
 * A run of the schedule with params of its own. Temporal starts only what the schedule says, so this one is started beside it:
 * it can be skipped for a run that is going on, or start all the same, but not wait its turn.
 *
 * @throws ContrailError Usage, InvalidPipeline
 */
async function triggerWith(
  server: ServerClient,
  store: Store,
  {
    id,
    description,
    firing,
    set,
    overlap,
  }: OpenSchedule & { readonly id: string } & { readonly [Key in 'set' | 'overlap']: TriggerOptions[Key] | undefined },
): Promise<Triggered> {
  const definition = await definitionOf(store, firing);
  if (!definition) throw new ContrailError('Usage', definitionElsewhere);
  const params = { ...definition.config.params, ...set };
  const policy = overlap ?? definition.config.overlap;
  const runs = await runsOfSchedule(server, id);
  const isAlone = description.info.runningActions.length === 0 && !runs.some(({ state }) => state === 'running');
  if (!isAlone && policy === 'skip') return { run: null, skipped: 'overlap' };
  if (!isAlone && policy !== 'allow-all')
    throw new ContrailError(
      'Usage',
      `A run of ${id} is going on, and one with --set cannot be started under overlap: ${policy}. Use --overlap allow-all or --overlap skip.`,
    );
  const plan = planSource(definition.source, params);
  const digest = await saveScheduleDefinition(store, {
    ...definition,
    plan,
    config: { ...definition.config, params },
  });
  // As Temporal names what it starts.
  const workflowId = `${id}-${new Date().toISOString()}`;
  await server.client.workflow.start(scheduledWorkflow, {
    workflowId,
    taskQueue: controlQueue,
    args: [{ schedule: id, definition: digest } satisfies Firing],
    staticSummary: `${id}, triggered with ${JSON.stringify(set)}`,
  });
  return { run: runOfFiring(workflowId) };
}
