import { times } from '../../contracts/counted.ts';
import type { Json } from '../../contracts/json.ts';
import type { Plan, PlannedSweep } from '../../contracts/plan.ts';
import { settingText } from '../../contracts/setting-text.ts';
import { oneLine } from '../../contracts/short-text.ts';
import { rungSizes } from '../../pipelines/language/interpret/sweep/course.ts';
import { table } from '../table.ts';
import type { StepOutlook } from './outlook.ts';

/** Steps that are shown as one. */
export type ShownOutlook = Omit<StepOutlook, 'decision'> & { readonly decisions: readonly StepOutlook['decision'][] };

/** The name under which a step is shown; null of one that is not: what a trial came to is written down in no time. */
export function shownName({ steps }: Plan, id: string): string | null {
  const step = steps.find((each) => each.id === id);
  if (step?.uses === 'trial') return null;
  return step?.sweep === undefined ? id : (step.matrix?.of ?? id);
}

/** What a run would do, with the steps of trials together: those of one step in the file are one. */
export function withTrialsTogether(plan: Plan, outlooks: readonly StepOutlook[]): ShownOutlook[] {
  const byId = new Map(plan.steps.map((step) => [step.id, step]));
  const groups = new Map<string, StepOutlook[]>();
  for (const each of outlooks) {
    const name = shownName(plan, each.step);
    if (name !== null) groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return [...groups].map(([step, group]) => {
    const [first] = group as [StepOutlook];
    const { uses } = first;
    const isSweep = uses === 'sweep' && first.decision !== 'reuse';
    const { sweep } = byId.get(first.step) ?? {};
    const seconds = group.map((each) => each.seconds);
    return {
      step,
      uses,
      decisions: [...new Set(group.map(({ decision }) => decision))],
      reason: isSweep
        ? 'after its trials'
        : sweep === undefined
          ? first.reason
          : reasonOfAll(group, plan.sweeps?.[sweep]?.rungs !== undefined),
      seconds: seconds.includes(null) ? null : seconds.reduce<number>((sum, each) => sum + (each ?? 0), 0),
    };
  });
}

/** @param goOn whether some of them go on later */
function reasonOfAll(group: readonly StepOutlook[], goOn: boolean): string {
  const counts = new Map<StepOutlook['decision'], number>();
  for (const { decision } of group) counts.set(decision, (counts.get(decision) ?? 0) + 1);
  const reused = counts.get('reuse') ?? 0;
  const [next] = group.filter(({ decision }) => decision !== 'reuse');
  const how = [
    `${times(group.length, 'time')}${goOn ? ' at first' : ''}${reused > 0 ? `, ${reused} of them reused` : ''}`,
    ...(next ? [next.reason.replaceAll(/@trial=\d+(,[a-z]+=\d+)*/g, '')] : []),
  ];
  return how.join('; ');
}

/**
 * How long all trials compute, if none is lost, by what is expected of those that begin; null where that is not known, or depends on
 * who arrives first.
 */
export function secondsOfTrials(
  { steps }: Plan,
  id: string,
  { trials, rungs = [1], factor, isAsynchronous, halved, perRung, seeds, steps: templates }: PlannedSweep,
  outlooks: readonly StepOutlook[],
): number | null {
  if (isAsynchronous) return null;
  const expected = new Map(
    outlooks.map(({ step, seconds, decision }) => [step, decision === 'reuse' ? null : seconds]),
  );
  const ofTemplate = (template: string) => {
    const found = steps.flatMap((step) =>
      step.sweep === id && step.matrix?.of === template && (step.rung?.after ?? null) === null
        ? [expected.get(step.id) ?? null]
        : [],
    );
    const known = found.filter((seconds) => seconds !== null);
    return known.length === 0 ? null : known.reduce((sum, seconds) => sum + seconds, 0) / known.length;
  };
  let all = 0;
  for (const [rung, size] of rungSizes(trials, rungs.length, factor).entries())
    for (const template of templates.filter((each) => rung === 0 || perRung.includes(each.id))) {
      const seconds = ofTemplate(template.id);
      if (seconds === null) return null;
      const epochs = (rungs[rung] ?? 1) - (rung === 0 ? 0 : (rungs[rung - 1] ?? 0));
      all += size * seeds.length * seconds * (template.id === halved ? epochs / (rungs[0] ?? 1) : 1);
    }
  return all;
}

const mostShown = 50;
const longestValue = 24;

/** What each sweep of a plan tries, how far, and what is known of its trials. */
export const sweepsText = (plan: Plan): string =>
  Object.entries(plan.sweeps ?? {})
    .map(([id, sweep]) => `${courseText(id, sweep)}\n${settingsTable(plan, id, sweep)}`)
    .join('\n\n');

function courseText(id: string, { search, trials, seeds, rungs, factor, isAsynchronous, costs, budget }: PlannedSweep) {
  const sizes = rungSizes(trials, rungs?.length ?? 1, factor);
  const tried = `${id} tries ${times(trials, 'setting')} (${search})${seeds.length > 1 ? `, each with ${times(seeds.length, 'seed')}` : ''}`;
  const halved = rungs
    ? `: ${rungs.map((epochs, rung) => (rung === 0 ? `${times(sizes[0] ?? 0, 'trial')} of ${times(epochs, 'epoch')}` : `${isAsynchronous ? 'some' : sizes[rung]} to ${epochs}`)).join(', ')}`
    : '';
  const all = costs && !isAsynchronous ? sizes.reduce((sum, size, rung) => sum + size * (costs[rung] ?? 0), 0) : 0;
  const bounds = [
    ...(all > 0 ? [`${times(all, 'epoch')} in all`] : []),
    ...(isAsynchronous && budget.epochs !== undefined ? [`at most ${times(budget.epochs, 'epoch')} in all`] : []),
    ...(budget.minutes === undefined ? [] : [`no more begun after ${times(budget.minutes, 'minute')} of computing`]),
  ];
  return `${tried}${halved}${bounds.length > 0 ? `; ${bounds.join(', ')}` : ''}.`;
}

function settingsTable({ steps }: Plan, id: string, { over, trials, search }: PlannedSweep): string {
  const known = new Map<number, Readonly<Record<string, Json>>>();
  for (const { uses, sweep, matrix } of steps)
    if (uses === 'trial' && sweep === id && matrix) known.set(Number(matrix.values.trial), matrix.values);
  const names = Object.keys(over);
  const rows = [...known]
    .slice(0, mostShown)
    .map(([trial, values]) => [
      String(trial),
      ...names.map((name) => oneLine(settingText(values[name] ?? null), longestValue)),
    ]);
  const left = known.size - rows.length;
  const later = trials - known.size;
  return [
    table(
      ['  trial', ...names],
      rows.map(([trial, ...values]) => [`  ${trial}`, ...values]),
    ),
    ...(left > 0 ? [`  and ${left} more`] : []),
    ...(later > 0
      ? [`  ${search === 'tpe' ? `${later} more, drawn from what these come to` : `${later} more, as places are free`}`]
      : []),
  ].join('\n');
}
