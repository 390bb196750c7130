import { type ASTNode, Environment, type ParseResult } from '@marcbachmann/cel-js';
import type { Json } from '../../../contracts/json.ts';
import { limits } from '../../../contracts/limits.ts';
import { shortened } from '../../../contracts/short-text.ts';
import type { StepState } from '../../../contracts/status.ts';
import { compilePattern, type Pattern } from './pattern.ts';
import { costOf, loopDepth } from './when-cost.ts';

/** What `when` can name. */
export const whenRoots = ['params', 'matrix', 'steps', 'run'] as const;
export type WhenRoot = (typeof whenRoots)[number];

export interface WhenStep {
  readonly state: StepState;
  /** Of a matrix: the states of all. */
  readonly states?: readonly StepState[];
  readonly result: Json;
}

export interface WhenContext {
  readonly params: { readonly [name: string]: Json };
  readonly matrix: { readonly [name: string]: Json };
  readonly steps: { readonly [id: string]: WhenStep };
  readonly run: { readonly [name: string]: Json };
}

export type WhenOutcome =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly message: string };

/** How many steps of evaluation may still be spent on the conditions of a run. */
export interface WhenBudget {
  left: number;
}

export const newWhenBudget = (): WhenBudget => ({ left: limits.whenCostOfRun });

export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** A name in an expression with what follows it: `steps.probe.state` is root `steps`, parts `probe` and `state`. */
export interface Mention extends TextRange {
  readonly root: WhenRoot;
  /** `until` is where the access ends, its bracket included. */
  readonly parts: readonly (TextRange & { readonly name: string; readonly until: number })[];
}

/** A text that is compared with the state of a step. */
export interface StateLiteral extends TextRange {
  readonly state: string;
}

/**
 * JSON has one kind of number, CEL has two that do not mix: here they do. Numbers of params and results are doubles,
 * and whole numbers written in an expression join them.
 */
const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

const environment = new Environment({
  unlistedVariablesAreDyn: false,
  homogeneousAggregateLiterals: false,
  limits: { maxAstNodes: limits.whenParts, maxDepth: limits.whenDepth },
});
for (const root of whenRoots) environment.registerVariable(root, 'map');
for (const [sign, compute] of Object.entries(arithmetic)) {
  const handler = (a: number | bigint, b: number | bigint) => compute(Number(a), Number(b));
  environment.registerOperator(`double ${sign} int: double`, handler);
  environment.registerOperator(`int ${sign} double: double`, handler);
}
environment.registerOperator('double % double: double', (a: number, b: number) => a % b);
/** The library's own `matches` is JavaScript's, which takes exponential time for some patterns. */
const linearMatches = 'matchesInOnePass';
const patterns = new Map<string, Pattern>();
environment.registerFunction(`string.${linearMatches}(string): bool`, (text: string, source: string) =>
  patternOf(source).test(text),
);
environment.registerOperator('int == double', (a: bigint, b: number) => Number(a) === b);

const textOrStep = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|(?<![.\w])steps\.[a-z][a-z0-9-]*(?=\.)/g;

/** CEL reads `steps.my-step.state` as a subtraction. Ids have no underscore, so it can stand for the dash. */
const withoutDashes = (expression: string) =>
  expression.replace(textOrStep, (found) => (found.startsWith('steps.') ? found.replaceAll('-', '_') : found));

/** So many expressions and patterns are remembered; a worker meets those of all its runs. */
const remembered = 500;

function remember<T>(known: Map<string, T>, text: string, make: () => T): T {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (known.size >= remembered) known.clear();
  const made = make();
  known.set(text, made);
  return made;
}

const patternOf = (source: string): Pattern => remember(patterns, source, () => compilePattern(source));

const parsed = new Map<string, ParseResult>();

/**
 * Parses an expression, or takes it from those that were parsed before.
 *
 * @throws ParseError
 */
export const parseWhen = (expression: string): ParseResult =>
  remember(parsed, expression, () => {
    const fresh = environment.parse(withoutDashes(expression));
    matchInOnePass(fresh.ast);
    return fresh;
  });

/** Puts our `matches` in the place of the library's. */
function matchInOnePass(node: ASTNode): void {
  if (node.op === 'rcall' && node.args[0] === 'matches') node.args[0] = linearMatches;
  for (const inner of nodesIn(node.args)) matchInOnePass(inner);
}

const isNode = (value: unknown): value is ASTNode =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value;

const nodesIn = (args: unknown): ASTNode[] =>
  isNode(args) ? [args] : Array.isArray(args) ? args.flatMap((each: unknown) => nodesIn(each)) : [];

const textOf = (node: ASTNode | undefined): string | null =>
  node?.op === 'value' && typeof node.args === 'string' ? node.args : null;

/** Every name that an expression mentions, and every text that it compares with a state. */
export function readWhen(expression: string): {
  readonly mentions: readonly Mention[];
  readonly stateLiterals: readonly StateLiteral[];
} {
  const mentions: Mention[] = [];
  const stateLiterals: StateLiteral[] = [];
  const nameOf = (text: string, root: WhenRoot, depth: number) =>
    root === 'steps' && depth === 0 ? text.replaceAll('_', '-') : text;
  /** The mention that a node is, whole. What it is indexed by is walked apart. */
  const chain = (node: ASTNode): Mention | null => {
    if (node.op === 'id') {
      const root = whenRoots.find((each) => each === node.args);
      return root ? { root, parts: [], start: node.range.start, end: node.range.end } : null;
    }
    if (node.op === '.' || node.op === '.?') {
      const [owner, name] = node.args;
      const before = chain(owner);
      if (!before) return null;
      const { end } = node.range;
      const part = { name: nameOf(name, before.root, before.parts.length), start: end - name.length, end, until: end };
      return { ...before, parts: [...before.parts, part], end };
    }
    if (node.op === '[]') {
      const [owner, index] = node.args;
      const before = chain(owner);
      const name = textOf(index);
      if (!before || name === null) return null;
      return {
        ...before,
        parts: [...before.parts, { name, ...index.range, until: node.range.end }],
        end: node.range.end,
      };
    }
    return null;
  };
  const compare = (side: ASTNode | undefined, other: ASTNode | undefined) => {
    const mention = side && chain(side);
    if (mention?.root !== 'steps' || mention.parts[1]?.name !== 'state') return;
    for (const each of other?.op === 'list' ? other.args : other ? [other] : []) {
      const state = textOf(each);
      if (state !== null) stateLiterals.push({ state, ...each.range });
    }
  };
  const walk = (node: ASTNode): void => {
    const mention = chain(node);
    if (mention) {
      mentions.push(mention);
      return;
    }
    if (node.op === '==' || node.op === '!=' || node.op === 'in') {
      compare(node.args[0], node.args[1]);
      compare(node.args[1], node.args[0]);
    }
    for (const inner of nodesIn(node.args)) walk(inner);
  };
  walk(parseWhen(expression).ast);
  return { mentions, stateLiterals };
}

const stateMentions = new Map<string, boolean>();

/** Whether an expression asks for the state of a step: then it decides by itself, whatever became of that step. */
export function mentionsState(expression: string): boolean {
  return remember(stateMentions, expression, () =>
    readWhen(expression).mentions.some(
      ({ root, parts }) => root === 'steps' && (parts[1]?.name === 'state' || parts[1]?.name === 'states'),
    ),
  );
}

/** `dyn<list<double>> > int` is `list of numbers > number`. */
const inOurWords = (types: string) =>
  types
    .replace(/\bdyn<((?:[^<>]|<[^<>]*>)*)>/g, '$1')
    .replace(/\b(double|int)\b/g, 'number')
    .replace(/\bbool\b/g, 'true-or-false')
    .replace(/\bstring\b/g, 'text')
    .replace(/\blist<number>/g, 'list of numbers')
    .replace(/\blist<(\w+)>/g, 'list of $1');

/** What the library counts. */
const parts: Readonly<Record<string, string>> = {
  maxAstNodes: 'parts',
  maxDepth: 'brackets within each other',
  maxListElements: 'elements of a list',
  maxMapEntries: 'entries of a mapping',
  maxCallArguments: 'arguments',
};

/** The message of an error of CEL, without its drawing of the place. */
export function describeCelError(error: unknown): { message: string; range: TextRange | null; code: string } {
  const message = error instanceof Error ? error.message : String(error);
  const { summary, range, code } = (error ?? {}) as { summary?: string; range?: TextRange; code?: string };
  const plain = (summary ?? message.split('\n')[0] ?? '')
    .replace(/no such overload: (.*)/, (_, types: string) => `these do not go together: ${inOurWords(types)}`)
    .replace('Unexpected token: EOF', 'the expression ends too early')
    .replace(
      /Exceeded (\w+) \((\d+)\)/,
      (_, name: string, limit: string) => `at most ${limit} ${parts[name] ?? name} are allowed`,
    )
    .replace('Maximum call stack size exceeded', 'it is nested too deeply')
    .replaceAll(linearMatches, 'matches');
  return { message: plain, range: range ?? null, code: code ?? '' };
}

/** Ids with dashes, again under the name that CEL knows them by. */
function withAliases(steps: WhenContext['steps']): WhenContext['steps'] {
  const named = { ...steps };
  for (const [id, step] of Object.entries(steps))
    if (id.includes('-'))
      Object.defineProperty(named, id.replaceAll('-', '_'), { value: step, enumerable: false, configurable: true });
  return named;
}

/**
 * What is too much about an expression, whatever values it is given; null when nothing is.
 *
 * @throws ParseError
 */
export function excessOf(expression: string): string | null {
  const { ast } = parseWhen(expression);
  if (isDeeperThan(limits.whenOperators, ast))
    return `when has operators more than ${limits.whenOperators} deep within each other; at most ${limits.whenOperators} are allowed`;
  const depth = loopDepth(ast);
  return depth > limits.whenNesting
    ? `when has all, exists, exists_one, map or filter ${depth} deep within each other; at most ${limits.whenNesting} are allowed`
    : null;
}

/** Layer by layer: what is too deep would end a recursion. */
function isDeeperThan(limit: number, root: ASTNode): boolean {
  let layer = [root];
  for (let depth = 0; layer.length > 0; depth++) {
    if (depth > limit) return true;
    layer = layer.flatMap((node) => nodesIn(node.args));
  }
  return false;
}

/** The most steps that the evaluation of an expression can take with these values. @throws ParseError */
export const whenCost = (expression: string, context: WhenContext): number =>
  costOf(parseWhen(expression).ast, { ...context, steps: withAliases(context.steps) });

export const tooCostly = (cost: number): string =>
  `it may take ${cost} steps of evaluation, and at most ${limits.whenCost} are allowed; let fewer of all, exists, exists_one, map and filter stand within each other, or shorten the lists that they go over`;

/**
 * Evaluates an expression. What goes wrong comes back as a sentence, and so does what would take too long: that is counted
 * beforehand, and taken from the budget.
 */
export function evaluateWhen(
  expression: string,
  context: WhenContext,
  budget: WhenBudget = newWhenBudget(),
): WhenOutcome {
  const refuse = (message: string) => ({ ok: false, message: `when (${shorten(expression)}) ${message}` }) as const;
  try {
    const cost = whenCost(expression, context);
    if (cost > limits.whenCost) return refuse(`cannot be evaluated: ${tooCostly(cost)}`);
    if (cost > budget.left)
      return refuse(
        `cannot be evaluated: the conditions of this run take more than ${limits.whenCostOfRun} steps of evaluation together`,
      );
    budget.left -= cost;
    const value: unknown = parseWhen(expression)({ ...context, steps: withAliases(context.steps) });
    if (typeof value === 'boolean') return { ok: true, value };
    const shown = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
    return refuse(`must give true or false, not ${shorten(shown ?? 'nothing')}`);
  } catch (error) {
    const { message, range, code } = describeCelError(error);
    const missing = code === 'no_such_key' && range ? missingResult(expression, range, context) : null;
    return refuse(`cannot be evaluated: ${missing ?? message}`);
  }
}

const shownCharacters = 300;
const shorten = (text: string) => shortened(text, shownCharacters);

function missingResult(expression: string, range: TextRange, { steps }: WhenContext): string | null {
  const mention = readWhen(expression).mentions.find(
    ({ root, start, end }) => root === 'steps' && start <= range.start && range.end <= end,
  );
  const [id, , ...path] = mention?.parts ?? [];
  const step = id && steps[id.name];
  return step ? `step ${id.name} has no result ${path.map(({ name }) => name).join('.')}; it is ${step.state}` : null;
}
