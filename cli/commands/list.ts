import { ContrailError } from '../../contracts/errors.ts';
import {
  bestLossAttribute,
  epochAttribute,
  pipelineAttribute,
  stageAttribute,
} from '../../workflows/search-attributes.ts';
import { withServer } from '../connection.ts';
import { coloured, print, printJson, say, table } from '../output.ts';
import { refusalOf } from '../refusals.ts';

export interface ListOptions {
  readonly state?: readonly string[];
  readonly pipeline?: string;
  readonly since?: Date;
  readonly limit: number;
  readonly query?: string;
  readonly json: boolean;
}

/** The filter in Temporal's words. */
export function visibilityQuery({ state, pipeline, since, query }: Omit<ListOptions, 'limit' | 'json'>): string {
  const states = state?.map((name) => `ExecutionStatus = ${quoted(statusNames[name] ?? name)}`);
  return [
    "WorkflowType = 'pipeline'",
    ...(states ? [`(${states.join(' OR ')})`] : []),
    ...(pipeline === undefined ? [] : [`${pipelineAttribute.name} = ${quoted(pipeline)}`]),
    ...(since === undefined ? [] : [`StartTime >= ${quoted(since.toISOString())}`]),
    ...(query === undefined ? [] : [`(${query})`]),
  ].join(' AND ');
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const statusNames: Readonly<Record<string, string>> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
  canceled: 'Canceled',
  cancelled: 'Canceled',
  terminated: 'Terminated',
  timed_out: 'TimedOut',
};

/** `contrail list` */
export function listCommand({ limit, json, ...filter }: ListOptions): Promise<number> {
  return withServer(async ({ client }) => {
    const rows: {
      run: string;
      pipeline: string;
      state: string;
      stage: string;
      epoch: number | null;
      bestLoss: number | null;
      started: string;
    }[] = [];
    try {
      for await (const { workflowId, status, typedSearchAttributes: attributes, startTime } of client.workflow.list({
        query: visibilityQuery(filter),
        pageSize: Math.min(limit + 1, 1000),
      })) {
        rows.push({
          run: workflowId,
          pipeline: attributes.get(pipelineAttribute) ?? '',
          state: status.name.toLowerCase(),
          stage: attributes.get(stageAttribute) ?? '',
          epoch: attributes.get(epochAttribute) ?? null,
          bestLoss: attributes.get(bestLossAttribute) ?? null,
          started: startTime.toISOString(),
        });
        if (rows.length > limit) break;
      }
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      throw new ContrailError('Usage', `Temporal does not understand the query: ${refusal}.`, { cause: error });
    }
    const shown = rows.slice(0, limit);
    if (json) printJson(shown);
    else if (shown.length === 0)
      say(isEmpty(filter) ? 'No runs yet. `contrail run <pipeline>` starts one.' : 'No run is like that.');
    else
      print(
        table(
          ['run', 'pipeline', 'state', 'stage', 'started'],
          shown.map(({ run, pipeline, state, stage, started }) => [
            run,
            pipeline,
            coloured(state),
            stage,
            started.slice(0, 19).replace('T', ' '),
          ]),
        ),
      );
    if (rows.length > limit && !json) say(`There are more; --limit ${limit * 10} shows them.`);
    return 0;
  });
}

const isEmpty = (filter: object) => Object.values(filter).every((value) => value === undefined);
