import { questionText } from '../../contracts/approval.ts';
import { count } from '../../contracts/counted.ts';
import { dataLines } from '../../contracts/data-account.ts';
import { outcomeText } from '../../contracts/outcome-text.ts';
import { passesText } from '../../contracts/passes-text.ts';
import { resultText } from '../../contracts/result-text.ts';
import { oneLine } from '../../contracts/short-text.ts';
import type { PipelineStatus, StepStatus } from '../../contracts/status.ts';
import type { TrainerProgress } from '../../contracts/trainer.ts';
import { weakestIn } from '../../contracts/weakest-class.ts';
import { openHome } from '../../home/home.ts';
import { loadPlan, loadRunRecord, openStore } from '../../store/index.ts';
import { askRun, type RunAnswer } from '../ask-run.ts';
import type { ServerClient } from '../connection.ts';
import { forgottenLines } from '../forgotten-since.ts';
import { checkRunId } from '../given-names.ts';
import { coloured, formatSeconds, print, printJson, say } from '../output.ts';
import { type Activities, pendingOf, type StepActivity } from '../pending.ts';
import { withServerIfAny } from '../perhaps-server.ts';
import { stateOf, stateText } from '../run-states.ts';
import { findRun, notOnServer, queryStatus } from '../runs.ts';
import { type StoredStep, storedSteps } from '../stored-run.ts';
import { notableOfTrials, sweepLines } from '../sweep-lines.ts';
import { table } from '../table.ts';
import { localTime } from '../times.ts';
import { toleratedLines, troubleLines, withTrouble } from '../trouble.ts';
import { verdictLines } from '../verdict-lines.ts';

/** A run that has ended is asked for its steps no longer than this: the store knows them too. */
const endedTimeoutMs = 3000;

/** `contrail status`: from the server and a worker where they answer, else from the store. */
export async function statusCommand(run: string, { json }: { readonly json: boolean }): Promise<number> {
  const store = openStore(openHome().storeUrl);
  const plan = await loadPlan(store, checkRunId(run));
  const storeKnows = async () => plan !== null;
  return withServerIfAny(storeKnows, async (server) => {
    const known = server && (await findRun(server, run));
    if (!known && !plan) throw await notOnServer(store, run);
    const isRunning = known?.status.name === 'RUNNING';
    const { status, why, activities = {} } = server && known ? await askSteps(server, run, isRunning) : nothingAsked;
    const hasEnded = known ? !isRunning : server !== null;
    const stored = !status && plan ? await storedSteps(store, run, plan, { hasEnded }) : null;
    const steps = status?.steps ?? stored;
    const state = stateOf(known?.status.name, status?.state, server !== null);
    const started = known?.startTime.toISOString() ?? (await loadRunRecord(store, run))?.createdAt ?? null;
    const ended = known ? (known.closeTime?.toISOString() ?? null) : null;
    if (json) {
      const from = status ? 'server' : 'store';
      printJson({ run, execution: known?.runId ?? null, state, started, ended, from, steps });
      return 0;
    }
    print(`${run}: ${stateText(state)}${started === null ? '' : `, started ${localTime(started)}`}`);
    if (isRunning && !status) say(`${why} This is what the store knows:`);
    const shown = notableOfTrials<StepStatus | StoredStep>(plan, steps ?? []);
    const drawn = steps ? stepTable(shown.steps, activities) : '';
    if (steps) print(drawn);
    if (shown.others !== null) print(shown.others);
    for (const line of sweepLines(plan, steps ?? [])) print(line);
    for (const step of shown.steps) for (const line of verdictLines(step, drawn, wholeOf(step))) print(line);
    for (const line of troubleLines(status?.steps ?? [])) print(line);
    for (const line of toleratedLines(steps ?? [])) print(line);
    for (const { id, lost } of status?.steps ?? []) if (lost !== undefined) print(`${id}: ${lost}`);
    for (const step of steps ?? []) for (const line of dataLines(step, run, store.locate)) print(line);
    for (const line of await forgottenLines(store, run, steps ?? [])) print(line);
    if (known && !isRunning && !plan)
      say('The store has nothing of it; the server remembers it until its retention has passed.');
    if (server && !known)
      say(`This is what the store knows. \`contrail resume ${run}\` goes on with it, on this server.`);
    return 0;
  });
}

interface Asked {
  readonly status: PipelineStatus | null;
  /** Why it is not known. */
  readonly why: string;
  /** What running steps are doing. */
  readonly activities?: Activities;
}
const nothingAsked: Asked = { status: null, why: '' };

/** The state of every step, with what Temporal knows of attempts that failed. */
async function askSteps(server: ServerClient, run: string, isRunning: boolean): Promise<Asked> {
  const answer: RunAnswer = isRunning ? await askRun(server, run) : { kind: 'ended' };
  if (answer.kind === 'silent') return { status: null, why: answer.why };
  if (answer.kind === 'ended') return { status: await queryStatus(server, run, endedTimeoutMs), why: '' };
  const activities = await pendingOf(server, run, answer.status.steps);
  return { status: withTrouble(answer.status, activities), why: '', activities };
}

const head = ['step', 'kind', 'state', 'attempts', 'epoch', 'latest', 'took'];

function stepTable(steps: readonly (StepStatus | StoredStep)[], activities: Activities): string {
  const rows = steps.map((step) => [
    'item' in step && step.item !== undefined ? `${step.id} ${step.item}` : step.id,
    step.uses,
    coloured(step.state, `${step.state}${step.reused ? ' (reused)' : step.tolerated ? ' (tolerated)' : ''}`),
    step.attempts !== null && step.attempts > 1 ? String(step.attempts) : '',
    step.epoch === null ? '' : `${step.epoch}${step.epochs === null ? '' : ` of ${step.epochs}`}`,
    latest(step) || doing(activities[step.id]),
    took(step),
  ]);
  // A column of nothing, or of first attempts alone, takes the room of what there is.
  const shown = head.map((_, column) => rows.some((row) => row[column] !== ''));
  const kept = <T>(row: readonly T[]) => row.filter((_, column) => shown[column]);
  return table(kept(head), rows.map(kept), { cut: 'latest' });
}

/** What is to be said of a step now: a question, its error, what it came to, or its last loss. */
export function latest({ error, result, metrics, ...step }: StepStatus | StoredStep, longest = 160): string {
  if ('asks' in step && step.asks) return questionText(step.asks);
  if (error) return oneLine(error.message, longest);
  const of = { uses: step.uses, result };
  const said = outcomeText(of) || resultText(of);
  if (said !== '') return oneLine(said, longest);
  if (typeof result?.top1 === 'number')
    return oneLine([`top-1 ${result.top1.toFixed(4)}`, weakestIn(result)].filter(Boolean).join(', '), longest);
  if (typeof result?.recallAt1 === 'number') return `recall at 1 ${result.recallAt1.toFixed(4)}`;
  if (!metrics) return '';
  const { loss, passes } = metrics;
  return `loss ${loss.toFixed(4)}${passes === undefined ? '' : `, each epoch ${passesText(passes)} the images`}`;
}

/** How far the work of a step is, which its workflow has not heard of yet, and what it waits for. */
const doing = ({ progress, waits }: StepActivity = {}): string =>
  [progress && progressText(progress), waits].filter(Boolean).join(', ');

function progressText(progress: TrainerProgress): string {
  const { phase, done, total, unit, imagesPerSecond: rate } = progress;
  const pace =
    unit === 'images' && rate ? `, ${Math.round(rate)} images/s, ${formatSeconds((total - done) / rate)} left` : '';
  return `${phase}: ${count(done)} of ${count(total)} ${unit}${pace}`;
}

/** The same of a step that has ended, without an end to it; an error with its lines. */
const wholeOf = (step: StepStatus | StoredStep): string =>
  step.error?.message ?? (step.result ? latest(step, Number.POSITIVE_INFINITY) : '');

function took(step: StepStatus | StoredStep): string {
  if ('seconds' in step && step.seconds !== null) return formatSeconds(step.seconds);
  const { startedAt, endedAt } = step;
  return startedAt && endedAt ? formatSeconds((Date.parse(endedAt) - Date.parse(startedAt)) / 1000) : '';
}
