import { canonicalJson, type Json } from '../../contracts/json.ts';
import type { Plan, PlannedStep } from '../../contracts/plan.ts';
import type { Origin } from '../../contracts/report.ts';
import { settingText } from '../../contracts/setting-text.ts';
import { oneLine } from '../../contracts/short-text.ts';
import { encoderKindNames } from '../../contracts/training-kinds.ts';

/** What leads from a step to the model that it is about, the surest first. */
const ways = ['encoder', 'classifier', 'evaluation'] as const;
const makesEncoder = ({ uses }: PlannedStep) => encoderKindNames.includes(uses) || uses === 'sweep';
const longestValue = 60;

/** @param options.apart also tells arms apart by the matrices of what was measured, where the measures of each are put together */
export type OriginOf = (id: string, options?: { readonly apart: boolean }) => Origin;

/**
 * Of each step of a plan the training or adapter that its inputs go back to; the step itself where there is none. An arm has the name
 * of that step in the pipeline, and of its matrix every value that is not the same in all, but those that only repeat a training: seeds.
 */
export function originsIn(plan: Plan): OriginOf {
  const steps = new Map(plan.steps.map((step) => [step.id, step]));
  const told = distinguishing(plan);
  return (id, { apart } = { apart: false }) => {
    const way = wayToModel(steps, id);
    const maker = way.at(-1);
    const sweep = maker?.uses === 'sweep' ? maker.id : maker?.sweep;
    // What a search found is one arm, whatever it tried.
    if (sweep !== undefined) {
      const { seed } = maker?.matrix?.values ?? {};
      return { step: id, arm: sweep, variant: seed === undefined ? '' : `seed=${settingText(seed)}` };
    }
    const [name = id, variant = ''] = (maker?.id ?? id).split('@');
    const values = new Map<string, Json>();
    for (const { matrix } of apart ? way.toReversed() : way.slice(-1))
      for (const [each, value] of Object.entries(matrix?.values ?? {}))
        if (!values.has(each) && told.get(matrix?.of ?? '')?.has(each)) values.set(each, value);
    const texts = [...values].map(([each, value]) => `${each}=${oneLine(settingText(value), longestValue)}`);
    return { step: id, arm: [maker?.matrix?.of ?? name, ...texts].join(' '), variant };
  };
}

/** A step and those before it, to what made its encoder; the step alone where nothing did. */
function wayToModel(steps: ReadonlyMap<string, PlannedStep>, id: string): readonly PlannedStep[] {
  const first = steps.get(id);
  if (!first) return [];
  const way = [first];
  while (way.length <= steps.size) {
    const step = way.at(-1) ?? first;
    if (makesEncoder(step)) return way;
    const inputs: PlannedStep['inputs'] = step.inputs;
    const name = ways.find((each) => inputs[each]);
    const before = name && steps.get(inputs[name]?.step ?? '');
    if (!before) break;
    way.push(before);
  }
  return [first];
}

/** Names of values that tell trainings of the same setting apart. */
const repeating: readonly string[] = ['seed', 'replicate', 'repeat'];

/** Of each matrix the names of the values by which its steps differ in more than their seed. */
function distinguishing(plan: Plan): ReadonlyMap<string, ReadonlySet<string>> {
  const matrices = new Map<string, PlannedStep[]>();
  for (const step of plan.steps) {
    if (!step.matrix) continue;
    const members = matrices.get(step.matrix.of) ?? [];
    members.push(step);
    matrices.set(step.matrix.of, members);
  }
  return new Map(
    [...matrices].map(([of, members]) => {
      const names = new Set(members.flatMap(({ matrix }) => Object.keys(matrix?.values ?? {})));
      return [of, new Set([...names].filter((name) => tellsApart(members, name)))];
    }),
  );
}

function tellsApart(members: readonly PlannedStep[], name: string): boolean {
  if (repeating.includes(name)) return false;
  const values = members.map(({ matrix }) => matrix?.values[name] ?? null);
  // A seed by another name.
  if (members.every(({ with: { seed } }, at) => values[at] === seed)) return false;
  return new Set(values.map(canonicalJson)).size > 1;
}
