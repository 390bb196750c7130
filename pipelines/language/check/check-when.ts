import type { Json } from '../../../contracts/json.ts';
import { limits } from '../../../contracts/limits.ts';
import type { StepState } from '../../../contracts/status.ts';
import { lookUp } from '../expressions/references.ts';
import {
  describeCelError,
  excessOf,
  type Mention,
  parseWhen,
  readWhen,
  tooCostly,
  type WhenContext,
  type WhenStep,
  whenCost,
  whenRoots,
} from '../expressions/when.ts';
import { namedStep, withNames } from '../interpret/rename-steps.ts';
import { listOfEach } from '../interpret/when-context.ts';
import { suggestion } from '../problems/nearest.ts';
import type { ReadStep } from '../read/read-step.ts';
import { baseOf } from '../read/written.ts';
import { itemSchema } from './check-list.ts';
import { problemWithStep, type StepLookup } from './check-needs.ts';
import { problemWithField, sample, sampleResult } from './result-fields.ts';

const endStates: readonly StepState[] = ['done', 'failed', 'cancelled', 'skipped'];
const runFacts = ['id', 'state', 'error'];

/**
 * Checks the `when` of a step, each mistake at its place in the expression.
 *
 * @returns the ids in the pipeline of the steps that it mentions, and therefore needs
 */
export function checkWhen(step: ReadStep, lookup: StepLookup): string[] {
  const { written, definition } = step;
  const { when } = definition;
  if (when === undefined) return [];
  const { report } = written.scope;
  const path = [...written.path, 'when'];
  if (when.length > limits.whenCharacters) {
    report.at(path, `when has ${when.length} characters; at most ${limits.whenCharacters} are allowed`);
    return [];
  }
  let found: ReturnType<typeof readWhen>;
  try {
    const excess = excessOf(when);
    if (excess !== null) {
      report.at(path, excess);
      return [];
    }
    found = readWhen(when);
  } catch (error) {
    const { message, range } = describeCelError(error);
    report.inText(path, range?.start ?? 0, `when is not a valid expression: ${message}`);
    return [];
  }
  let isWrong = false;
  const say = (offset: number, message: string) => {
    isWrong = true;
    report.inText(path, offset, message);
  };
  const needs = found.mentions.flatMap((mention) => checkMention(mention, step, lookup, say));
  for (const { state, start } of found.stateLiterals)
    if (!endStates.some((each) => each === state))
      say(start, `a step that has ended is never ${JSON.stringify(state)}${stateHint(state)}`);
  checkTypes(when, say);
  if (!isWrong) tryOut(when, step, lookup, say);
  return [...new Set(needs)];
}

const foreignStates: Readonly<Record<string, StepState>> = {
  succeeded: 'done',
  success: 'done',
  complete: 'done',
  completed: 'done',
  finished: 'done',
  failure: 'failed',
  error: 'failed',
  canceled: 'cancelled',
};

const stateHint = (state: string) => {
  const ours = foreignStates[state.toLowerCase()];
  return ours ? `; here it is called ${ours}` : suggestion(state, endStates);
};

type Say = (offset: number, message: string) => void;

function checkMention(mention: Mention, step: ReadStep, lookup: StepLookup, say: Say): string[] {
  const { written, members } = step;
  const { params } = written.scope;
  const [first, second] = mention.parts;
  if (mention.root === 'steps') return checkStepMention(mention, step, lookup, say);
  if (!first) return [];
  if (mention.root === 'params') {
    if (lookUp({ ...params }, [first.name]) === undefined) {
      const dashed = Object.keys(params).find((name) => name.startsWith(`${first.name}-`));
      say(
        first.start,
        `there is no param ${first.name}${dashed ? `; write params["${dashed}"]` : suggestion(first.name, Object.keys(params))}`,
      );
    } else if (second && lookUp({ ...params }, [first.name, second.name]) === undefined)
      say(second.start, `the param ${first.name} has no ${second.name}`);
  } else if (mention.root === 'matrix') {
    const names = step.list
      ? [step.list.name]
      : [...new Set(members.flatMap(({ values }) => Object.keys(values ?? {})))];
    if (step.root === null) say(mention.start, 'matrix is for steps that have one; this one has none');
    else if (!names.includes(first.name))
      say(first.start, `the matrix has no value ${first.name}${suggestion(first.name, names)}`);
  } else if (written.role === 'step') say(mention.start, 'run is for steps of onFailure and finally');
  else if (!runFacts.includes(first.name))
    say(first.start, `a run has no ${first.name}${suggestion(first.name, runFacts)}`);
  return [];
}

function checkStepMention(mention: Mention, { written }: ReadStep, lookup: StepLookup, say: Say): string[] {
  const [name, aspect, ...path] = mention.parts;
  if (!name) {
    say(mention.start, 'name a step: steps.<id>.state or steps.<id>.result.<field>');
    return [];
  }
  const problem = problemWithStep(name.name, written, lookup, {});
  if (problem) {
    say(name.start, problem);
    return [];
  }
  const id = written.scope.idOf(baseOf(name.name)) ?? baseOf(name.name);
  const planned = id + name.name.slice(baseOf(name.name).length);
  const other = lookup.read.get(id);
  const needs = lookup.steps.get(id)?.role === written.role ? [planned] : [];
  const isList = planned === id && other?.root != null;
  const aspects = isList ? ['state', 'states', 'result'] : ['state', 'result'];
  if (!aspect || !aspects.includes(aspect.name))
    say(
      aspect?.start ?? name.start,
      `of a step, when can ask for ${aspects.join(', ')}${aspect ? `, not ${aspect.name}` : ''}`,
    );
  else if (aspect.name === 'result' && other) {
    const wrong = problemWithField(
      other.definition,
      path.map((part) => part.name),
    );
    if (wrong) say(path[wrong.part]?.start ?? aspect.start, wrong.message);
  }
  return needs;
}

/** What can be said of an expression without values. */
function checkTypes(when: string, say: Say): void {
  const { valid, type, error } = parseWhen(when).check();
  const { message, range } = describeCelError(error);
  if (!valid) {
    const [, name] = /^Unknown variable: (\w+)$/.exec(message) ?? [];
    const what = name === undefined ? message : `there is no ${name} here${suggestion(name, whenRoots)}`;
    say(range?.start ?? 0, `when is not a valid expression: ${what}`);
  } else if (type !== 'bool' && type !== 'dyn') say(0, `when must give true or false, not a value of type ${type}`);
}

/** Finds values that do not go together by trying the expression on values of the right types. */
function tryOut(when: string, { written, members, root, list }: ReadStep, lookup: StepLookup, say: Say): void {
  const expression = parseWhen(when);
  const { mentions } = readWhen(when);
  const item = list ? itemSchema(list, lookup.read) : null;
  const isKnown = item !== null && item !== 'no list';
  if (list && !isKnown && mentions.some(({ root: from }) => from === 'matrix')) return;
  const steps: Record<string, WhenStep> = {};
  for (const { root: from, parts } of mentions) {
    const name = parts[0]?.name;
    if (from !== 'steps' || name === undefined) continue;
    const base = written.scope.idOf(baseOf(name)) ?? baseOf(name);
    const other = lookup.read.get(base);
    const result = other ? sampleResult(other.definition) : {};
    const isList = !name.includes('@') && other?.root != null && other.root !== root;
    const each = isList ? (other?.members ?? []) : [null];
    steps[name] = {
      state: 'done',
      states: each.map(() => 'done' as const),
      result: isList ? listOfEach(each.map(() => result)) : result,
    };
    const alias = name.replaceAll('-', '_');
    if (alias !== name) steps[alias] = steps[name];
  }
  const context: WhenContext = {
    params: written.scope.params,
    matrix: list ? { [list.name]: isKnown ? sample(item) : null } : (members[0]?.values ?? {}),
    steps,
    run: { id: 'run', state: 'done', error: null },
  };
  const cost = whenCost(when, context);
  if (cost > limits.whenCost) {
    say(0, `when cannot be evaluated: ${tooCostly(cost)}`);
    return;
  }
  try {
    const value: unknown = expression(context);
    if (typeof value !== 'boolean') say(0, `when must give true or false, not ${JSON.stringify(plain(value))}`);
  } catch (failure) {
    const { message, range, code } = describeCelError(failure);
    const isCertain = mentions.every(({ root: from }) => from === 'params' || (from === 'matrix' && !list));
    if (isCertain || code === 'no_such_overload') say(range?.start ?? 0, `when cannot be evaluated: ${message}`);
  }
}

/** What is too much about an expression once the values of the params of an included file stand in it; null when nothing is. */
export function problemWithPlanned(when: string): string | null {
  if (when.length > limits.plannedWhenCharacters)
    return `when has ${when.length} characters once the params of this file stand in it; at most ${limits.plannedWhenCharacters} are allowed`;
  try {
    parseWhen(when);
    return null;
  } catch (error) {
    return `when cannot be read once the params of this file stand in it: ${describeCelError(error).message}`;
  }
}

const plain = (value: unknown): Json => (typeof value === 'bigint' ? Number(value) : (value as Json));

/** A value as CEL writes it; numbers as doubles, as in params. */
function celLiteral(value: Json): string {
  if (typeof value === 'number') {
    const double = Number.isInteger(value) && Math.abs(value) < 1e21 ? `${value}.0` : String(value);
    return value < 0 ? `(${double})` : double;
  }
  if (Array.isArray(value)) return `[${value.map(celLiteral).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${celLiteral(member)}`);
  return `{${members.join(', ')}}`;
}

/**
 * The expression of one step of the plan: steps by their ids there, and the params of an included file by their values.
 * An expression that is not valid, which is reported elsewhere, stays as it is.
 *
 * @param plannedIdOf the id in the plan that this member means by an id in the pipeline
 */
export function plannedWhen(
  { written, definition }: ReadStep,
  plannedIdOf: (id: string) => string,
): string | undefined {
  const { when } = definition;
  if (when === undefined) return undefined;
  const { scope } = written;
  return withNames(when, ({ root, parts: [first] }) => {
    if (!first) return null;
    if (root === 'steps') {
      const id = (scope.idOf(baseOf(first.name)) ?? baseOf(first.name)) + first.name.slice(baseOf(first.name).length);
      const planned = id.includes('@') ? id : plannedIdOf(id);
      return planned === first.name ? null : namedStep(planned);
    }
    return root === 'params' && scope.isIncluded ? celLiteral(scope.params[first.name] ?? null) : null;
  });
}
