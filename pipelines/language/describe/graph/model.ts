import type { Plan, PlannedStep, StepRole } from '../../../../contracts/plan.ts';
import type { StepState } from '../../../../contracts/status.ts';
import { ancestorsByDistance, type Needs } from '../../check/order.ts';
import { openList } from '../../interpret/expand-lists.ts';
import { combinedState } from '../../interpret/when-context.ts';
import { baseOf } from '../../read/written.ts';

/** What a drawing shows of a step that runs. */
export interface StepProgress {
  readonly state: StepState;
  readonly epoch?: number | null;
  readonly epochs?: number | null;
}

/** A step of the pipeline; the steps of a matrix are one node. */
export interface GraphNode {
  readonly id: string;
  readonly uses: string;
  readonly role: StepRole;
  /** Of a matrix: how many steps it is, or the list that says so while the run goes on. */
  readonly count: number | string | null;
  readonly when: string | null;
  /** Null where no run is drawn. */
  readonly state: StepState | null;
  /** The state in words: `running, epoch 3 of 8`, or `4 done, 2 waiting`. Empty where no run is drawn. */
  readonly status: string;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `after`: only an order, as between the last steps and those of `finally`. */
  readonly kind: 'needs' | 'after';
}

export interface Graph {
  readonly name: string;
  readonly description: string | null;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/**
 * The graph of a pipeline, in the order of its plan. A need that follows from others has no arrow of its own.
 *
 * @param progress of the steps of a run, by their ids in the plan
 */
export function graphOf(plan: Plan, progress?: Readonly<Record<string, StepProgress>>): Graph {
  const bases = new Map<string, PlannedStep[]>();
  for (const step of plan.steps) {
    const id = step.matrix?.of ?? step.id;
    const others = bases.get(id);
    if (others) others.push(step);
    else bases.set(id, [step]);
  }
  const nodes = [...bases].map(([id, steps]): GraphNode => nodeOf(id, steps, plan, progress));
  const needs = new Map(
    [...bases].map(([id, steps]) => [id, [...new Set(steps.flatMap((step) => step.needs.map(baseOf)))]]),
  );
  const edges = direct(needs);
  return {
    name: plan.name,
    description: plan.description ?? null,
    nodes,
    edges: [...edges, ...followUps(nodes, edges)],
  };
}

/** The needs that no other need implies. */
function direct(needs: Needs): GraphEdge[] {
  return [...needs].flatMap(([to, wanted]) => {
    const implied = new Set(wanted.flatMap((need) => [...ancestorsByDistance(need, needs)].flat()));
    return wanted.filter((from) => !implied.has(from)).map((from): GraphEdge => ({ from, to, kind: 'needs' }));
  });
}

function nodeOf(
  id: string,
  steps: readonly PlannedStep[],
  plan: Plan,
  progress: Readonly<Record<string, StepProgress>> | undefined,
): GraphNode {
  const [first] = steps;
  const reached = steps.map((step): StepProgress => progress?.[step.id] ?? { state: 'waiting' });
  const states = reached.map(({ state }) => state);
  return {
    id,
    uses: first?.uses ?? '',
    role: first?.role ?? 'step',
    count: countOf(plan, id, steps),
    when: first?.when === undefined ? null : whenInWords(first.when, first.matrix !== undefined),
    state: progress ? combinedState(states) : null,
    status: progress ? statusOf(reached) : '',
  };
}

function countOf(plan: Plan, id: string, steps: readonly PlannedStep[]): GraphNode['count'] {
  const list = openList(plan, id);
  if (list && steps[0]?.id === id) return [list.step, ...list.path].join('.');
  return plan.matrices?.[id] ? steps.length : null;
}

/** An expression as the pipeline has it: by the ids of its steps, on one line. */
const whenInWords = (when: string, isOfMatrix: boolean) =>
  when
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/\bsteps\["([a-z][a-z0-9-]*)(@[^"]*)?"\]/g, (written, id: string, member: string | undefined) =>
      member === undefined || isOfMatrix ? `steps.${id}` : written,
    );

function statusOf(reached: readonly StepProgress[]): string {
  const [only, ...others] = reached;
  if (only && others.length === 0)
    return only.epoch != null && (only.state === 'running' || only.state === 'paused')
      ? `${only.state}, epoch ${only.epoch} of ${only.epochs}`
      : only.state;
  const order: readonly StepState[] = ['done', 'running', 'paused', 'waiting', 'failed', 'cancelled', 'skipped'];
  return order
    .map((state) => ({ state, count: reached.filter((each) => each.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${state}`)
    .join(', ');
}

/** Steps of `onFailure` come after the last of the others, and those of `finally` after these. */
function followUps(nodes: readonly GraphNode[], needs: readonly GraphEdge[]): GraphEdge[] {
  const roles: readonly StepRole[] = ['step', 'onFailure', 'finally'];
  const groups = roles.map((role) => nodes.filter((node) => node.role === role)).filter((group) => group.length > 0);
  return groups.slice(1).flatMap((group, index) => {
    const last = (groups[index] ?? []).filter(({ id }) => !needs.some(({ from }) => from === id));
    const first = group.filter(({ id }) => !needs.some(({ to }) => to === id));
    return first.flatMap(({ id: to }) => last.map(({ id: from }): GraphEdge => ({ from, to, kind: 'after' })));
  });
}
