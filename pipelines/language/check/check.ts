import { milliseconds } from '../../../contracts/duration.ts';
import type { Json } from '../../../contracts/json.ts';
import type { StepKind } from '../../../contracts/kinds/kind.ts';
import { limits } from '../../../contracts/limits.ts';
import type { Plan, PlannedStep, PlannedSweep } from '../../../contracts/plan.ts';
import { isStepKind, kindOf, writtenKindNames } from '../../../contracts/step-kinds.ts';
import { formatReference, substitute } from '../expressions/references.ts';
import { suggestion } from '../problems/nearest.ts';
import type { Defaults } from '../read/definition.ts';
import { type Member, type ReadStep, readSteps } from '../read/read-step.ts';
import { baseOf, type WrittenStep } from '../read/written.ts';
import { checkEncoders } from './check-encoders.ts';
import { checkList } from './check-list.ts';
import { needsOf } from './check-needs.ts';
import { checkResultReferences, type Graph, inputsOf, isList, isUnread, parametersOf } from './check-parameters.ts';
import { checkPreparation } from './check-preparation.ts';
import { type CodeFiles, checkProgram, codeOf } from './check-program.ts';
import { checkReportFiles } from './check-report-files.ts';
import { checkFilledIn, planSweep, withTaken } from './check-sweep.ts';
import { checkWhen, plannedWhen, problemWithPlanned } from './check-when.ts';
import type { InputSource } from './inputs.ts';
import { findCycles, topologicalOrder } from './order.ts';
import { type OwnFiles, withOwnKinds } from './own-kinds.ts';

const defaultTimeout = '24h';

/**
 * Checks everything that connects: kinds, needs, references, inputs. Reports every mistake; null when there is one.
 *
 * @param begun whether the steps may have begun, as those of a run that is resumed or forked
 */
export function checkSteps(
  steps: readonly WrittenStep[],
  defaults: Defaults,
  { own = {}, begun = false }: { readonly own?: OwnFiles | undefined; readonly begun?: boolean | undefined } = {},
): Pick<Plan, 'steps' | 'matrices' | 'sweeps'> | null {
  const known = withOwnKinds(readSteps(steps), own.steps);
  for (const step of known.values()) checkFilledIn(step);
  const read = withTaken(known);
  const lookup = { steps: new Map(steps.map((step) => [step.id, step])), read };
  const named = new Map([...read].map(([id, step]) => [id, needsOf(step, checkWhen(step, lookup), lookup)]));
  const needs = new Map(steps.map(({ id }) => [id, (named.get(id) ?? []).filter((need) => need !== null)]));
  const graph: Graph = {
    read,
    broken: new Set(
      steps.map(({ id }) => id).filter((id) => (named.get(id)?.includes(null) ?? true) || isUnread(read.get(id))),
    ),
    needs: new Map([...needs].map(([id, names]) => [id, [...new Set(names.map(baseOf))]])),
  };
  for (const [first = '', ...rest] of findCycles(graph.needs)) {
    const { path = [], scope } = lookup.steps.get(first) ?? {};
    scope?.report.at([...path, 'needs'], `these steps need each other: ${[first, ...rest].join(' -> ')}`);
  }
  const planned = new Map<string, PlannedStep[]>();
  let needsSoFar = 0;
  for (const [id, step] of read) {
    needsSoFar += plannedNeeds(step, needs.get(id) ?? [], graph);
    if (needsSoFar > limits.plannedNeeds) {
      step.written.scope.report.at(
        [...step.written.path, 'needs'],
        `with its matrix and theirs, the steps have ${needsSoFar} needs so far; at most ${limits.plannedNeeds} are allowed`,
      );
      break;
    }
    const members = planStep(step, needs.get(id) ?? [], graph, defaults, own.code);
    if (members) planned.set(id, members);
  }
  const order = topologicalOrder(graph.needs);
  const all = [...planned.values()].flat();
  checkReportFiles(all, read);
  if (order.length === steps.length) checkEncoders(all, read, begun);
  if (planned.size !== steps.length || order.length !== steps.length) return null;
  const inOrder = order.flatMap((id) => planned.get(id) ?? []);
  const sweeps = sweepsOf(inOrder, read);
  if (!sweeps) return null;
  const matrices = [...read.values()].filter(({ root }) => root !== null).map((step) => matrixOf(step, read));
  return {
    steps: inOrder.flatMap((step) => withoutTrials(step, read) ?? []),
    ...(Object.keys(sweeps).length > 0 ? { sweeps } : {}),
    ...(matrices.length > 0 ? { matrices: Object.fromEntries(matrices) } : {}),
  };
}

/** What decides the sweeps, by their ids. Null where something is wrong with one. */
function sweepsOf(planned: readonly PlannedStep[], read: ReadonlyMap<string, ReadStep>): Plan['sweeps'] | null {
  const sweeps: Record<string, PlannedSweep> = {};
  const all = new Map(planned.map((step) => [step.id, step]));
  let isWrong = false;
  for (const step of planned) {
    const whole = step.uses === 'sweep' ? read.get(step.id) : undefined;
    if (!whole) continue;
    const inner = planned.filter(({ id }) => read.get(baseOf(id))?.written.sweep?.of === step.id);
    const sweep = planSweep(whole, step, inner, { read, all });
    if (sweep) sweeps[step.id] = sweep;
    else isWrong = true;
  }
  return isWrong ? null : sweeps;
}

/** The steps of trials are put into the plan of a run, as many as it tries. */
function withoutTrials(step: PlannedStep, read: ReadonlyMap<string, ReadStep>): PlannedStep | null {
  const isOfTrial = (id: string) => read.get(baseOf(id))?.written.sweep !== undefined;
  if (isOfTrial(step.id)) return null;
  return step.uses === 'sweep' ? { ...step, needs: step.needs.filter((need) => !isOfTrial(need)) } : step;
}

/** How many needs a step has in the plan, where one of a matrix may need all of another. */
const plannedNeeds = (step: ReadStep, needs: readonly string[], { read }: Graph): number =>
  step.members.length *
  needs.reduce((sum, need) => sum + (isList(step, need, read) ? (read.get(need)?.members.length ?? 1) : 1), 0);

/** What a step tolerates, one with the matrix of another tolerates too where it does not say. */
const matrixOf = ({ written, definition, members, root, list }: ReadStep, read: ReadonlyMap<string, ReadStep>) => {
  const { maxParallel, tolerate = read.get(root ?? '')?.definition.tolerate } = definition;
  return [
    written.id,
    {
      members: members.map(({ id }) => id),
      ...(maxParallel === undefined ? {} : { maxParallel }),
      ...(tolerate === undefined ? {} : { tolerate }),
      ...(list === undefined ? {} : { list }),
    },
  ] as const;
};

/** The steps of the plan that a step of the pipeline is. */
function planStep(
  step: ReadStep,
  needs: readonly string[],
  graph: Graph,
  defaults: Defaults,
  codeFiles: CodeFiles | undefined,
): PlannedStep[] | null {
  const { written, definition, members } = step;
  const { uses } = definition;
  if (!isStepKind(uses) || (uses === 'own' && !definition.own)) {
    written.scope.report.at(
      [...written.path, 'uses'],
      `there is no kind of step ${JSON.stringify(uses)}${suggestion(uses, writtenKindNames)}`,
    );
    return null;
  }
  const kind = kindOf({ uses, with: definition.with, own: definition.own });
  if (uses === 'run') checkProgram(step, graph);
  if (uses === 'prepare-data') checkPreparation(step);
  const inputs = inputsOf(step, kind, graph);
  checkResultReferences(step, kind, graph);
  checkList(step, graph);
  const planned: PlannedStep[] = [];
  for (const member of members) {
    const parameters = parametersOf(step, member, kind);
    // What is wrong with one of a matrix is as a rule wrong with all: once is enough.
    if (!parameters) return null;
    const code = uses === 'run' && codeFiles ? codeOf(step, parameters, codeFiles) : definition.code;
    const idOf = counterpart(step, member, graph);
    planned.push({
      id: member.id,
      uses,
      version: kind.version,
      needs: [...new Set(needs.flatMap((need) => allOf(idOf(need), graph)))],
      with: pointedTo(parameters, idOf),
      inputs: Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, inputFrom(input, idOf)])),
      ...(definition.own ? { own: definition.own } : {}),
      ...(code ? { code } : {}),
      ...settings(member, kind, defaults),
      ...conditions(step, member, idOf),
    });
  }
  return planned;
}

/**
 * The step of the plan that one of a matrix means by another step's id: its own counterpart where both are of the same
 * matrix; else that id itself.
 */
function counterpart(step: ReadStep, member: Member, { read }: Graph): (id: string) => string {
  const index = step.members.indexOf(member);
  return (id) => {
    const other = read.get(id);
    return other && other.root !== null && !isList(step, id, read) ? (other.members[index]?.id ?? id) : id;
  };
}

const allOf = (id: string, { read }: Graph): readonly string[] => {
  const step = read.get(id);
  return step && step.root !== null ? step.members.map((member) => member.id) : [id];
};

const pointedTo = (parameters: Record<string, Json>, idOf: (id: string) => string) =>
  substitute(parameters, (reference) =>
    reference.of === 'steps' ? formatReference({ ...reference, step: idOf(reference.step) }) : undefined,
  ) as Record<string, Json>;

const inputFrom = ({ step, field, kind }: InputSource, idOf: (id: string) => string) => ({
  step: idOf(step),
  field,
  kind,
});

/** Where and how often a step is tried: its own words, then the pipeline's defaults, then the kind's. */
function settings({ definition }: Member, kind: StepKind, defaults: Defaults) {
  const priority = definition.priority ?? defaults.priority;
  const cache = definition.cache ?? defaults.cache;
  return {
    queue: definition.queue ?? defaults.queue ?? kind.queue,
    retry: {
      ...(kind.maximumAttempts === undefined ? {} : { maximumAttempts: kind.maximumAttempts }),
      ...defaults.retry,
      ...definition.retry,
    },
    timeoutMs: milliseconds(definition.timeout ?? defaults.timeout ?? defaultTimeout),
    ...(priority === undefined ? {} : { priority }),
    ...(cache === undefined ? {} : { cache }),
  };
}

function conditions(step: ReadStep, { values }: Member, idOf: (id: string) => string) {
  const { id, role } = step.written;
  const when = plannedWhen(step, idOf);
  const problem = when !== undefined && step.written.scope.isIncluded ? problemWithPlanned(when) : null;
  if (problem) step.written.scope.report.at([...step.written.path, 'when'], problem);
  return {
    ...(when === undefined ? {} : { when }),
    ...(values === null ? {} : { matrix: { of: id, values: { ...values } } }),
    ...(role === 'step' ? {} : { role }),
  };
}
