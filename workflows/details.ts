import { questionText } from '../contracts/approval.ts';
import { dataHeadline } from '../contracts/data-account.ts';
import { markdownText } from '../contracts/markdown-text.ts';
import { promotionText } from '../contracts/promotion-text.ts';
import { noQueriesText } from '../contracts/retrieval-text.ts';
import { oneLine } from '../contracts/short-text.ts';
import { someOf } from '../contracts/some-of.ts';
import { type StepState, type StepStatus, stuckAfter } from '../contracts/status.ts';
import type { StepTroubleReport } from './messages.ts';

/** The most steps that the table shows; of a longer plan those that matter now. */
const maximumRows = 50;

/** What the Temporal UI shows for a run, in Markdown. */
export interface RunDetails {
  readonly steps: number;
  readonly counts: Readonly<Partial<Record<StepState, number>>>;
  /** Why nothing new starts; null while the run goes on. */
  readonly paused: string | null;
  /** What the work of running steps failed with, where it is tried again. */
  readonly troubles: ReadonlyMap<string, NonNullable<StepTroubleReport['failed']>>;
  /** Steps that are lost, which their matrix tolerates. */
  readonly tolerated: readonly string[];
  /** Every step of a short plan; of a long one those that run, wait for a person, or failed. */
  readonly shown: Iterable<StepStatus>;
}

/** Whether a plan is short enough for a table of all its steps. */
export const isShort = (steps: number): boolean => steps <= maximumRows;

export function runDetails({ steps, counts, paused, troubles, tolerated, shown }: RunDetails): string {
  const rows: StepStatus[] = [];
  for (const step of shown) if (rows.push(step) === maximumRows) break;
  const order: readonly StepState[] = ['done', 'running', 'paused', 'failed', 'cancelled', 'skipped', 'waiting'];
  const summary = order.flatMap((state) => (counts[state] ? [`${counts[state]} ${state}`] : [])).join(', ');
  return [
    ...(paused === null ? [] : [`**Paused**: ${markdownText(paused)}`, '']),
    ...[...troubles].slice(0, maximumRows).flatMap(([id, trouble]) => [troubleText(id, trouble), '']),
    ...rows.flatMap(({ id, lost }) => (lost === undefined ? [] : [`**${id}**: ${markdownText(lost)}.`, ''])),
    ...(tolerated.length > 0
      ? [`**${tolerated.length} lost**, which the pipeline tolerates: ${markdownText(someOf(tolerated))}.`, '']
      : []),
    ...(isShort(steps) ? [] : [`${steps} steps: ${summary}. Those that run, wait for a person, or failed:`, '']),
    stepTable(rows),
    ...(rows.some((step) => dataHeadline(step) !== '')
      ? ['', '`contrail dataset show <run>` shows what became of every file.']
      : []),
  ].join('\n');
}

/** The workflow hears of some failures only: the pending activities have the newest. */
function troubleText(id: string, { attempt, message, nextTry }: NonNullable<StepTroubleReport['failed']>): string {
  const how = attempt >= stuckAfter ? 'is **stuck**' : 'is tried again';
  const when = `${nextTry.slice(0, 19).replace('T', ' ')} UTC`;
  return `**${id}** ${how}: attempt ${attempt} failed: ${inOneLine(message)} Attempt ${attempt + 1} from ${when} on; the newest is in _Pending Activities_ and \`contrail status\`.`;
}

/** A table of steps. */
export function stepTable(steps: readonly StepStatus[]): string {
  const rows = steps.map((step) => [step.id, step.uses, stateText(step), epochText(step), metricText(step)]);
  return [['step', 'kind', 'state', 'epoch', 'latest'], ['---', '---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const maximumError = 200;

function stateText({ state, reused, error, from, attempts, note, asks }: StepStatus): string {
  if (asks) return `${state}: ${markdownText(questionText(asks).slice(0, maximumError))}`;
  if (error) return `${state}: ${inOneLine(error.message)}`;
  if (from) return `${state} (from ${from.run}/${from.step})`;
  if (reused) return `${state} (reused)`;
  if (note) return `${state}: ${markdownText(note)}`;
  return attempts > 1 ? `${state} (attempt ${attempts})` : state;
}

const inOneLine = (text: string): string => markdownText(oneLine(text, maximumError));

const epochText = ({ epoch, epochs }: StepStatus) => (epoch === null ? '' : `${epoch} of ${epochs}`);

function metricText(step: StepStatus): string {
  const { metrics, result } = step;
  const found = dataHeadline(step) || promotionText(step) || noQueriesText(step);
  if (found !== '') return markdownText(found.slice(0, maximumError));
  const numbers = Object.entries(result ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  if (numbers.length > 0)
    return numbers.map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toFixed(4)}`).join(', ');
  return metrics ? `loss ${metrics.loss.toFixed(4)}, ${Math.round(metrics.imagesPerSecond)} images/s` : '';
}
