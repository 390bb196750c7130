import type { ASTNode } from '@marcbachmann/cel-js';
import { limits } from '../../../contracts/limits.ts';
import { compilePattern } from './pattern.ts';

/**
 * How many steps the evaluation of an expression may take at most, counted from the expression and the values that it names
 * before anything is evaluated. A bound: `&&` and `?:` count all of their sides, `all` the whole list.
 */

/** What is known of a value: sizes are the most that they can be. */
interface Bound {
  /** Elements of a list, members of a mapping, characters of a text. */
  readonly count: number;
  /** The same, through all that is in it. */
  readonly size: number;
  readonly element: () => Bound;
  readonly field: (name: string | null) => Bound;
}

/** Loops of CEL, which take a name for an element and what to do with it. */
const loops: readonly string[] = ['all', 'exists', 'exists_one', 'map', 'filter'];
/** A number or a time, as text. */
const scalarSize = 32;

/** Something of a size, with anything in it. */
const opaque = (size: number): Bound => ({
  count: size,
  size,
  element: () => opaque(size),
  field: () => opaque(size),
});
const scalar = opaque(1);

const join = (bounds: readonly Bound[]): Bound => {
  const [first, second] = bounds;
  if (!first) return scalar;
  if (!second) return first;
  return {
    count: Math.max(...bounds.map(({ count }) => count)),
    size: Math.max(...bounds.map(({ size }) => size)),
    element: () => join(bounds.map((each) => each.element())),
    field: (name) => join(bounds.map((each) => each.field(name))),
  };
};

const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, each) => sum + each, 0);
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const membersOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];

function measure(value: unknown): number {
  if (typeof value === 'string') return value.length + 1;
  if (!isObject(value)) return 1;
  const names = Array.isArray(value) ? 0 : sumOf(Object.keys(value).map((name) => name.length));
  return 1 + names + sumOf(membersOf(value).map(measure));
}

/** One of these values. */
function known(values: readonly unknown[]): Bound {
  let size: number | undefined;
  return {
    count: values.reduce<number>(
      (most, each) => Math.max(most, typeof each === 'string' ? each.length : membersOf(each).length),
      0,
    ),
    get size() {
      size ??= values.reduce<number>((most, each) => Math.max(most, measure(each)), 1);
      return size;
    },
    // A loop over a mapping goes over its names.
    element: () =>
      known(values.flatMap((each) => (Array.isArray(each) ? each : isObject(each) ? Object.keys(each) : []))),
    field: (name) =>
      known(
        name === null
          ? values.flatMap(membersOf)
          : values.flatMap((each) => (isObject(each) && Object.hasOwn(each, name) ? [Reflect.get(each, name)] : [])),
      ),
  };
}

const listOf = (parts: readonly Bound[]): Bound => ({
  count: parts.length,
  size: 1 + sumOf(parts.map(({ size }) => size)),
  element: () => join(parts),
  field: () => join(parts),
});

const repeated = (count: number, part: Bound): Bound => ({
  count,
  size: 1 + count * part.size,
  element: () => part,
  field: () => part,
});

const together = (a: Bound, b: Bound): Bound => ({ ...join([a, b]), count: a.count + b.count, size: a.size + b.size });

type Names = ReadonlyMap<string, Bound>;
interface Costed {
  readonly cost: number;
  readonly bound: Bound;
}

/** The most steps that the evaluation of an expression can take with these values. */
export function costOf(ast: ASTNode, context: Readonly<Record<string, unknown>>): number {
  const roots = new Map(Object.entries(context).map(([name, value]) => [name, known([value])]));
  return visit(ast, roots).cost;
}

function visit(node: ASTNode, names: Names): Costed {
  switch (node.op) {
    case 'value':
      return { cost: 1, bound: known([node.args]) };
    case 'id':
      return { cost: 1, bound: names.get(node.args) ?? scalar };
    case '.':
    case '.?': {
      const owner = visit(node.args[0], names);
      return { cost: owner.cost + 1, bound: owner.bound.field(node.args[1]) };
    }
    case '[]':
    case '[?]': {
      const [owner, index] = [visit(node.args[0], names), visit(node.args[1], names)];
      const name = node.args[1].op === 'value' && typeof node.args[1].args === 'string' ? node.args[1].args : null;
      return { cost: owner.cost + index.cost + 1, bound: owner.bound.field(name) };
    }
    case 'list': {
      const parts = node.args.map((each) => visit(each, names));
      return { cost: 1 + sumOf(parts.map(({ cost }) => cost)), bound: listOf(parts.map(({ bound }) => bound)) };
    }
    case 'map': {
      const parts = node.args.flat().map((each) => visit(each, names));
      return { cost: 1 + sumOf(parts.map(({ cost }) => cost)), bound: listOf(parts.map(({ bound }) => bound)) };
    }
    case '?:': {
      const [test, ...sides] = node.args.map((each) => visit(each, names));
      return {
        cost: 1 + (test?.cost ?? 0) + sumOf(sides.map(({ cost }) => cost)),
        bound: join(sides.map(({ bound }) => bound)),
      };
    }
    case '!_':
    case '-_':
      return { cost: 1 + visit(node.args, names).cost, bound: scalar };
    case 'call':
      return called(
        node.args[0],
        node.args[1].map((each) => visit(each, names)),
      );
    case 'rcall':
      return visitMethod(node.args, names);
    default: {
      const [a, b] = [visit(node.args[0], names), visit(node.args[1], names)];
      const cost = 1 + a.cost + b.cost;
      if (node.op === '&&' || node.op === '||') return { cost, bound: scalar };
      // Lists and texts are compared, searched and copied one by one.
      return {
        cost: cost + a.bound.size + b.bound.size,
        bound: node.op === '+' ? together(a.bound, b.bound) : opaque(scalarSize),
      };
    }
  }
}

function visitMethod([name, receiver, args]: readonly [string, ASTNode, readonly ASTNode[]], names: Names): Costed {
  const [variable, ...body] = args;
  const bindsName = variable?.op === 'id' ? variable.args : null;
  if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel' && bindsName !== null) {
    const [value, then] = body;
    const bound = value ? visit(value, names) : { cost: 0, bound: scalar };
    const inner = then ? visit(then, new Map([...names, [bindsName, bound.bound]])) : { cost: 0, bound: scalar };
    return { cost: 1 + bound.cost + inner.cost, bound: inner.bound };
  }
  const owner = visit(receiver, names);
  if (loops.includes(name) && bindsName !== null) {
    const { count, size } = owner.bound;
    const inner = new Map([...names, [bindsName, owner.bound.element()]]);
    const parts = body.map((each) => visit(each, inner));
    const last = parts.at(-1)?.bound ?? scalar;
    return {
      cost: 1 + owner.cost + count * (1 + sumOf(parts.map(({ cost }) => cost))),
      bound: name === 'map' ? repeated(count, last) : name === 'filter' ? { ...owner.bound, count, size } : scalar,
    };
  }
  const [pattern] = args;
  if (name === 'matches') {
    const states =
      pattern?.op === 'value' && typeof pattern.args === 'string' ? statesOf(pattern.args) : limits.patternStates;
    const inner = pattern ? visit(pattern, names) : { cost: 0 };
    return { cost: 1 + owner.cost + inner.cost + owner.bound.size * states, bound: scalar };
  }
  return called(name, [owner, ...args.map((each) => visit(each, names))]);
}

function called(name: string, args: readonly Costed[]): Costed {
  const size = sumOf(args.map(({ bound }) => bound.size));
  const cost = 1 + sumOf(args.map((each) => each.cost)) + size;
  // A date in a time zone of its own is written and read again.
  if (/^get[A-Z]/.test(name) && args.length > 1) return { cost: cost + 200, bound: scalar };
  if (name === 'size') return { cost, bound: scalar };
  if (name === 'split') return { cost, bound: { ...opaque(2 * size), count: size + 1 } };
  if (name === 'join') return { cost, bound: opaque(size * (1 + (args[1]?.bound.size ?? 0))) };
  // At most two characters for each byte, as of `hex`.
  return { cost, bound: opaque(2 * size + scalarSize) };
}

/** A pattern that is none is refused when it is evaluated. */
function statesOf(pattern: string): number {
  try {
    return compilePattern(pattern).states;
  } catch {
    return 1;
  }
}

/** How many loops stand within each other at most. */
export function loopDepth(node: ASTNode): number {
  if (node.op !== 'rcall') return Math.max(0, ...partsOf(node).map(loopDepth));
  const [name, receiver, args] = node.args;
  const own = loops.includes(name) ? 1 : 0;
  return Math.max(loopDepth(receiver), own + Math.max(0, ...args.map(loopDepth)));
}

const partsOf = (node: ASTNode): readonly ASTNode[] =>
  (Array.isArray(node.args) ? node.args.flat(2) : [node.args]).filter(
    (each): each is ASTNode => typeof each === 'object' && each !== null && 'op' in each,
  );
