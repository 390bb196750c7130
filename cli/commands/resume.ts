import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import type { Plan } from '../../contracts/plan.ts';
import { describeEnvironment } from '../../home/environment.ts';
import { openHome } from '../../home/home.ts';
import { loadPlan, loadRunRecord, loadStepResults, openStore, recordResume, type Store } from '../../store/index.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { driftOf, driftTable } from '../drift.ts';
import { printJson, say } from '../output.ts';
import { planSource } from '../pipeline-file.ts';
import { withRecordedChanges } from '../recorded-changes.ts';
import { findRun, queryStatus, startRun } from '../runs.ts';
import { staleDataLines } from '../stale-data.ts';
import { announce, checkRunId, follow } from './run.ts';

type Params = Readonly<Record<string, Json>>;

/** The plan of a run. @throws ContrailError RunNotFound */
export async function requirePlan(store: Store, run: string): Promise<Plan> {
  const plan = await loadPlan(store, checkRunId(run));
  if (plan) return plan;
  throw new ContrailError(
    'RunNotFound',
    `The store knows no run ${run}. \`contrail list\` shows the runs; CONTRAIL_HOME says which store is looked into.`,
  );
}

/** The same pipeline as it was written, with other params. @throws ContrailError Usage, InvalidPipeline */
export async function planAgain(store: Store, run: string, plan: Plan, set: Params): Promise<Plan> {
  if (Object.keys(set).length === 0) return plan;
  const record = await loadRunRecord(store, run);
  if (record?.source)
    return withRecordedChanges(planSource(record.source, { ...plan.params, ...set }), record.changes ?? []);
  throw new ContrailError(
    'Usage',
    `The run ${run} did not keep its pipeline, so --set cannot be used. Start a new run.`,
  );
}

export interface ResumeOptions {
  readonly set: Params;
  readonly acceptDrift: boolean;
  readonly detach: boolean;
  readonly json: boolean;
}

/** `contrail resume`: the same run goes on; what is done is not done again. */
export async function resumeCommand(run: string, { set, acceptDrift, detach, json }: ResumeOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const before = await requirePlan(store, run);
  const now = await planAgain(store, run, before, set);
  return withServer(async (server) => {
    await requireEnded(server, run);
    const environment = describeEnvironment();
    const drift = await driftOf(store, run, { before, now }, environment);
    if (drift.length > 0) say(driftTable(drift));
    const refused = drift.filter(({ needs }) => needs === 'refused').map(({ what }) => what);
    if (refused.length > 0)
      throw new ContrailError(
        'Usage',
        `${refused.join(', ')} cannot change under a training that has checkpoints. Start a new run for it.`,
      );
    const drifted = drift.filter(({ needs }) => needs === 'consent').map(({ what }) => what);
    if (drifted.length > 0 && !acceptDrift)
      throw new ContrailError(
        'Usage',
        `${drifted.join(', ')}: not as before. --accept-drift goes on all the same; \`contrail fork\` begins another run.`,
      );
    const again = (step: string) => `\`contrail retry ${run} ${step}\` reads it again.`;
    for (const line of await staleDataLines(store, await loadStepResults(store, run), now, again)) say(line);
    await startRun(server, store, run, now, true, { accept: acceptDrift, extend: Object.keys(set).length > 0 });
    await recordResume(store, run, {
      at: new Date().toISOString(),
      params: now.params,
      environment,
      accepted: acceptDrift ? drifted : [],
    });
    announce(server, run, `Resumed ${run}`);
    if (!detach) return follow(server, store, run, json);
    if (json) printJson({ run, drift });
    return 0;
  });
}

/** A run that goes on is not started again. One that the server does not know goes on from the store. @throws ContrailError Usage */
async function requireEnded(server: ServerClient, run: string): Promise<void> {
  const known = await findRun(server, run);
  if (!known) say(`${run} is not on this server; it goes on from what the store has of it.`);
  if (known?.status.name !== 'RUNNING') return;
  const { steps = [], state } = (await queryStatus(server, run)) ?? {};
  const paused = steps.filter((step) => step.state === 'paused').map(({ id }) => id);
  if (paused.length > 0 || state === 'paused')
    throw new ContrailError(
      'Usage',
      `The run ${run} has not ended: ${paused.length > 0 ? `${paused.join(', ')} of it` : 'it'} is paused. \`contrail unpause ${run}\` lets it go on; with the name of a step and --set, that step with other parameters.`,
    );
  throw new ContrailError(
    'Usage',
    `The run ${run} is going on. \`contrail watch ${run}\` shows it, \`contrail set ${run} <step>.<path>=<value>\` changes it.`,
  );
}
