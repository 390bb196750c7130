import { times } from '../../contracts/counted.ts';
import { ContrailError, isContrailError } from '../../contracts/errors.ts';
import { openHome } from '../../home/home.ts';
import { openStore, type Store } from '../../store/index.ts';
import {
  bestLossAttribute,
  epochAttribute,
  pipelineAttribute,
  stageAttribute,
  stateAttribute,
} from '../../workflows/search-attributes.ts';
import type { ServerClient } from '../connection.ts';
import { inTurns } from '../in-turns.ts';
import { coloured, print, printJson, say } from '../output.ts';
import { withServerIfAny } from '../perhaps-server.ts';
import { refusalOf } from '../refusals.ts';
import { stateText } from '../run-states.ts';
import { findRun, whenAttributesAreKnown } from '../runs.ts';
import { loadStoredRun, runsInStore, type StoredRun } from '../stored-run.ts';
import { table } from '../table.ts';
import { localTime } from '../times.ts';

export interface ListOptions {
  readonly state?: readonly string[];
  readonly pipeline?: string;
  readonly since?: Date;
  readonly limit: number;
  readonly query?: string;
  readonly json: boolean;
}
type Filter = Omit<ListOptions, 'limit' | 'json'>;

/**
 * A run that is only in the store is `not-on-server`; where no server answers, its state is `unknown`. One that has ended and
 * that the store does not have, but the server still remembers, is `removed`.
 */
interface Row {
  readonly run: string;
  readonly pipeline: string;
  readonly state: string;
  readonly stage: string;
  readonly epoch: number | null;
  readonly bestLoss: number | null;
  readonly started: string | null;
  /** By the store, of a run that the server does not know: how many of its steps are done. */
  readonly steps: { readonly done: number; readonly of: number } | null;
}

/** `contrail list`: the runs that the server knows, and those that only the store knows. */
export async function listCommand({ limit, json, ...filter }: ListOptions): Promise<number> {
  const store = openStore(openHome().storeUrl);
  // A query is in Temporal's words, which the store does not know.
  const storeKnows = async () => filter.query === undefined && (await runsInStore(store)).length > 0;
  return withServerIfAny(storeKnows, async (server) => {
    const known = server ? await markRemoved(store, filter, await onServer(server, filter, limit)) : [];
    const found = [...known, ...(await onlyInStore(server, store, filter, limit, known))];
    const rows = found.sort((a, b) => ((a.started ?? '') < (b.started ?? '') ? 1 : -1)).slice(0, limit);
    if (json) printJson(rows);
    else if (rows.length === 0)
      say(isEmpty(filter) ? 'No runs yet. `contrail run <pipeline>` starts one.' : 'No run is like that.');
    else print(runTable(rows));
    if (found.length > limit && !json) say(`There are more; --limit ${limit * 10} shows them.`);
    return 0;
  });
}

const isEmpty = (filter: object) => Object.values(filter).every((value) => value === undefined);

const runTable = (rows: readonly Row[]): string =>
  table(
    ['run', 'pipeline', 'state', 'stage', 'started'],
    rows.map(({ run, pipeline, state, stage, steps, started }) => [
      run,
      pipeline,
      coloured(state, stateText(state)),
      steps ? `${steps.done} of ${times(steps.of, 'step')} done` : stage,
      started === null ? '' : localTime(started),
    ]),
    { whole: ['run'] },
  );

const statusNames: Readonly<Record<string, string>> = {
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timed_out: 'TimedOut',
};

const paused = `${stateAttribute.name} = 'paused'`;

function stateCondition(state: string): string {
  if (state === 'paused') return `(ExecutionStatus = 'Running' AND ${paused})`;
  // A run that was never paused has no such attribute.
  if (state === 'running')
    return `(ExecutionStatus = 'Running' AND (${stateAttribute.name} IS NULL OR ${stateAttribute.name} != 'paused'))`;
  return `ExecutionStatus = ${quoted(statusNames[state] ?? state)}`;
}

/** The filter in Temporal's words. */
function visibilityQuery({ state, pipeline, since, query }: Filter): string {
  return [
    "WorkflowType = 'pipeline'",
    ...(state ? [`(${state.map(stateCondition).join(' OR ')})`] : []),
    ...(pipeline === undefined ? [] : [`${pipelineAttribute.name} = ${quoted(pipeline)}`]),
    ...(since === undefined ? [] : [`StartTime >= ${quoted(since.toISOString())}`]),
    ...(query === undefined ? [] : [`(${query})`]),
  ].join(' AND ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** The newest that fit the filter, one more than the limit where there are more. */
async function onServer(server: ServerClient, filter: Filter, limit: number): Promise<Row[]> {
  const state = filter.state?.filter((each) => each !== 'not-on-server');
  if (state?.length === 0) return [];
  const query = visibilityQuery({ ...filter, ...(state ? { state } : {}) });
  const list = async () => {
    const rows: Row[] = [];
    const pageSize = Math.min(limit + 1, 1000);
    for await (const each of server.lister.workflow.list({ query, pageSize })) {
      const { workflowId, status, typedSearchAttributes: attributes, startTime } = each;
      const isPaused = status.name === 'RUNNING' && attributes.get(stateAttribute) === 'paused';
      rows.push({
        run: workflowId,
        pipeline: attributes.get(pipelineAttribute) ?? '',
        state: isPaused ? 'paused' : status.name.toLowerCase(),
        stage: attributes.get(stageAttribute) ?? '',
        epoch: attributes.get(epochAttribute) ?? null,
        bestLoss: attributes.get(bestLossAttribute) ?? null,
        started: startTime.toISOString(),
        steps: null,
      });
      if (rows.length > limit) break;
    }
    return rows;
  };
  try {
    return await (filter.query === undefined ? whenAttributesAreKnown(server, list) : list());
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === null) throw error;
    throw new ContrailError('Usage', `Temporal does not understand the query: ${refusal}.`, { cause: error });
  }
}

/** A run that was removed is none that completed, whatever the server remembers of it. */
async function markRemoved(store: Store, { state }: Filter, rows: readonly Row[]): Promise<Row[]> {
  const marked = await inTurns(rows, async (row) => {
    const goesOn = row.state === 'running' || row.state === 'paused';
    return goesOn || (await store.exists(`runs/${row.run}/plan.json`)) ? row : { ...row, state: 'removed' };
  });
  return marked.filter((row) => row.state !== 'removed' || state === undefined);
}

/** The newest runs that only the store knows and that fit the filter; a query in Temporal's words is for its server alone. */
async function onlyInStore(
  server: ServerClient | null,
  store: Store,
  filter: Filter,
  limit: number,
  known: readonly Row[],
): Promise<Row[]> {
  if (filter.query !== undefined) return [];
  const onServer = new Set(known.map(({ run }) => run));
  const candidates = (await runsInStore(store)).filter((run) => !onServer.has(run));
  const unlisted = server && candidates.length > 0 ? await withoutListed(server, candidates) : candidates;
  const stored = (await inTurns(unlisted, (run) => loadOrSay(store, run))).filter((each) => each !== null);
  const state = server ? 'not-on-server' : 'unknown';
  const fitting = stored
    .filter((each) => fits(each, filter, state))
    .sort((a, b) => ((a.started ?? '') < (b.started ?? '') ? 1 : -1))
    .slice(0, limit + 1);
  // What has only just begun may not be in the server's list yet.
  const confirmed = await inTurns(fitting, async (each) => !server || (await findRun(server, each.run)) === null);
  return fitting
    .filter((_, index) => confirmed[index])
    .map(({ run, pipeline, started, done, steps, epoch, bestLoss }) => ({
      ...{ run, pipeline, state, stage: '', epoch, bestLoss, started },
      steps: { done, of: steps },
    }));
}

function fits({ pipeline, started, complete }: StoredRun, filter: Filter, state: string): boolean {
  if (filter.pipeline !== undefined && filter.pipeline !== pipeline) return false;
  if (filter.since !== undefined && (started === null || Date.parse(started) < filter.since.getTime())) return false;
  if (filter.state === undefined || filter.state.includes(state)) return true;
  return complete && filter.state.includes('completed');
}

/** A damaged run is named, and the others are still a list. */
async function loadOrSay(store: Store, run: string): Promise<StoredRun | null> {
  try {
    return await loadStoredRun(store, run);
  } catch (error) {
    if (!isContrailError(error)) throw error;
    say(error.message);
    return null;
  }
}

async function withoutListed({ lister }: ServerClient, runs: readonly string[]): Promise<readonly string[]> {
  const listed = new Set<string>();
  for await (const { workflowId } of lister.workflow.list({ query: "WorkflowType = 'pipeline'", pageSize: 1000 }))
    listed.add(workflowId);
  return runs.filter((run) => !listed.has(run));
}
