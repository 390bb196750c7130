import type { StepStatus } from '../contracts/status.ts';

/** The table of steps that the Temporal UI shows for a run, in Markdown. */
export function stepTable(steps: readonly StepStatus[]): string {
  const rows = steps.map((step) => [step.id, step.uses, stateText(step), epochText(step), metricText(step)]);
  return [['step', 'kind', 'state', 'epoch', 'latest'], ['---', '---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

const stateText = ({ state, reused, error, note }: StepStatus) =>
  error
    ? `${state}: ${error.message.split('\n')[0]?.replaceAll('|', '/')}`
    : reused
      ? `${state} (reused)`
      : note
        ? `${state}: ${note}`
        : state;

const epochText = ({ epoch, epochs }: StepStatus) => (epoch === null ? '' : `${epoch} of ${epochs}`);

function metricText({ metrics, result }: StepStatus): string {
  const numbers = Object.entries(result ?? {}).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  if (numbers.length > 0)
    return numbers.map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toFixed(4)}`).join(', ');
  return metrics ? `loss ${metrics.loss.toFixed(4)}, ${Math.round(metrics.imagesPerSecond)} images/s` : '';
}
