import { limits } from '../../../contracts/limits.ts';

/**
 * Patterns of `matches`, in JavaScript's syntax without what makes them take exponential time: an automaton that is in all of its
 * states at once goes over the text a single time. Pure JavaScript, since it runs in workflows.
 */
export interface Pattern {
  /** A text costs at most so many steps for each of its characters. */
  readonly states: number;
  /** Whether the pattern is found anywhere in a text. */
  readonly test: (text: string) => boolean;
}

type State =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean; next: number }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean; next: number }
  | { readonly kind: 'split'; next: number; other: number }
  | { readonly kind: 'match' };

type Node =
  | { readonly kind: 'character'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'assert'; readonly holds: (text: string, at: number) => boolean }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'choice'; readonly options: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number };

/**
 * Reads a pattern.
 *
 * @throws Error with a sentence where it is none, has look-arounds or back-references, or is too large
 */
export function compilePattern(source: string): Pattern {
  if (source.length > limits.patternStates)
    throw new Error(`a pattern may have at most ${limits.patternStates} characters`);
  try {
    new RegExp(source);
  } catch {
    throw new Error(`not a valid pattern: ${source}`);
  }
  const { states, start } = build(parse(source));
  return { states: states.length, test: (text) => search(states, start, text) };
}

const isWord = (character: string | undefined) => character !== undefined && /^\w$/.test(character);
const isBoundary = (text: string, at: number) => isWord(text[at - 1]) !== isWord(text[at]);

const assertions: Readonly<Record<string, (text: string, at: number) => boolean>> = {
  '^': (_, at) => at === 0,
  $: (text, at) => at === text.length,
  '\\b': isBoundary,
  '\\B': (text, at) => !isBoundary(text, at),
};

/** One character or class as the pattern has it; JavaScript knows what it accepts. */
const atom = /^(?:\[(?:\\.|[^\]\\])*\]|\\(?:x[\dA-Fa-f]{2}|u[\dA-Fa-f]{4}|c[A-Za-z]|.)|.)/s;
const quantifier = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/;

/** The source is known to be valid. */
function parse(source: string): Node {
  let at = 0;
  const choice = (): Node => {
    const options = [sequence()];
    while (source[at] === '|') {
      at++;
      options.push(sequence());
    }
    return { kind: 'choice', options };
  };
  const sequence = (): Node => {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(repeated(term()));
    return { kind: 'sequence', parts };
  };
  const term = (): Node => {
    if (source[at] === '(') return group();
    const text = atom.exec(source.slice(at))?.[0] ?? '';
    at += text.length;
    const holds = assertions[text];
    if (holds) return { kind: 'assert', holds };
    if (/^\\[1-9k]/.test(text)) throw new Error(`a pattern may not refer back to what it found: ${text}`);
    const single = new RegExp(`^${/^[{}\]]$/.test(text) ? `\\${text}` : text}$`);
    return { kind: 'character', accepts: (character) => single.test(character) };
  };
  const group = (): Node => {
    const [opening, special] = /^\((\?(?::|<[A-Za-z_$][\w$]*>|.?.?))?/.exec(source.slice(at)) ?? ['('];
    if (special !== undefined && special !== '?:' && !/^\?<[A-Za-z_$]/.test(special))
      throw new Error(`a pattern may not look around or change its mode: ${opening}`);
    at += opening.length;
    const inner = choice();
    at++;
    return inner;
  };
  const repeated = (part: Node): Node => {
    const [text, least, comma, most] = quantifier.exec(source.slice(at)) ?? [];
    if (text === undefined) return part;
    at += text.length;
    const [first] = text;
    if (first !== '{')
      return { kind: 'repeat', part, least: first === '+' ? 1 : 0, most: first === '?' ? 1 : Number.POSITIVE_INFINITY };
    const highest = most === '' ? (comma === ',' ? Number.POSITIVE_INFINITY : Number(least)) : Number(most);
    return { kind: 'repeat', part, least: Number(least), most: highest };
  };
  return choice();
}

/** Thompson's construction, from the end to the beginning. */
function build(root: Node): { readonly states: readonly State[]; readonly start: number } {
  const states: State[] = [{ kind: 'match' }];
  const add = (state: State): number => {
    if (states.length >= limits.patternStates)
      throw new Error(`a pattern may have at most ${limits.patternStates} states; lower its {counts}`);
    return states.push(state) - 1;
  };
  /** @returns the state that begins with the node and goes on at `next` */
  const from = (node: Node, next: number): number => {
    switch (node.kind) {
      case 'character':
      case 'assert':
        return add({ ...node, next });
      case 'sequence':
        return node.parts.reduceRight((after, part) => from(part, after), next);
      case 'choice':
        return node.options
          .map((option) => from(option, next))
          .reduce((other, option) => add({ kind: 'split', next: option, other }));
      case 'repeat': {
        const { part, least, most } = node;
        let after = next;
        if (most === Number.POSITIVE_INFINITY) {
          const loop: State = { kind: 'split', next: 0, other: next };
          after = add(loop);
          loop.next = from(part, after);
        } else for (let i = least; i < most; i++) after = add({ kind: 'split', next: from(part, after), other: next });
        for (let i = 0; i < least; i++) after = from(part, after);
        return after;
      }
    }
  };
  return { states, start: from(root, 0) };
}

function search(states: readonly State[], start: number, text: string): boolean {
  let current = new Set<number>();
  for (let at = 0; ; at++) {
    const reached = new Set<number>();
    // It may begin at every character.
    const waiting = [...current, start];
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (reached.has(index)) continue;
      reached.add(index);
      const state = states[index];
      if (state?.kind === 'match') return true;
      if (state?.kind === 'split') waiting.push(state.next, state.other);
      else if (state?.kind === 'assert' && state.holds(text, at)) waiting.push(state.next);
    }
    const character = text[at];
    if (character === undefined) return false;
    current = new Set();
    for (const index of reached) {
      const state = states[index];
      if (state?.kind === 'character' && state.accepts(character)) current.add(state.next);
    }
  }
}
