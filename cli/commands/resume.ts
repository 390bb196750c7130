import { ContrailError } from '../../contracts/errors.ts';
import type { Json } from '../../contracts/json.ts';
import { describeEnvironment } from '../../home/environment.ts';
import { openHome } from '../../home/home.ts';
import { loadStepResults, openStore, recordResume } from '../../store/index.ts';
import { announce } from '../announce.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { driftOf, driftTable } from '../drift.ts';
import { followToEnd } from '../follow-to-end.ts';
import { requireKnownPlan } from '../known-plan.ts';
import { printJson, say } from '../output.ts';
import { planAgain } from '../plan-again.ts';
import { findRun, queryStatus, startRun } from '../runs.ts';
import { staleDataLines } from '../stale-data.ts';

type Params = Readonly<Record<string, Json>>;

export interface ResumeOptions {
  readonly set: Params;
  readonly acceptDrift: boolean;
  readonly detach: boolean;
  readonly json: boolean;
}

/** `contrail resume`: the same run goes on; what is done is not done again. */
export async function resumeCommand(run: string, { set, acceptDrift, detach, json }: ResumeOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const before = await requireKnownPlan(store, run);
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
    if (!detach) return followToEnd(server, store, run, json);
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
