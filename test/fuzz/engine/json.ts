import type { Json } from '../../../contracts/json.ts';
import { parseJsonWithin } from '../../../contracts/json-within.ts';
import type { Random } from './random.ts';
import { nastyTexts, ownNames } from './text.ts';

/** A JSON value with its members as a list, so that a key can be there twice, and numbers as they are written. */
type Tree =
  | { readonly is: 'object'; readonly members: readonly (readonly [string, Tree])[] }
  | { readonly is: 'list'; readonly items: readonly Tree[] }
  | { readonly is: 'text'; readonly text: string };

const written: readonly string[] = [
  ...['null', 'true', 'false', '0', '-0', '-1', '1', '1.5', '1e308', '1e309', '-1e309', '9007199254740993', '""', '[]'],
  ...['{}', '[[]]', '{"a":{}}', '[null]', '2147483648', '4294967296', '18446744073709551616', '1e-400', '1e21'],
];

const treeOf = (value: Json): Tree =>
  Array.isArray(value)
    ? { is: 'list', items: value.map(treeOf) }
    : typeof value === 'object' && value !== null
      ? { is: 'object', members: Object.entries(value).map(([key, member]) => [key, treeOf(member)] as const) }
      : { is: 'text', text: JSON.stringify(value) };

const textOf = (tree: Tree): string =>
  tree.is === 'text'
    ? tree.text
    : tree.is === 'list'
      ? `[${tree.items.map(textOf).join(',')}]`
      : `{${tree.members.map(([key, member]) => `${JSON.stringify(key)}:${textOf(member)}`).join(',')}}`;

const partsOf = (tree: Tree): readonly Tree[] =>
  tree.is === 'object' ? tree.members.map(([, member]) => member) : tree.is === 'list' ? tree.items : [];

const countOf = (tree: Tree): number => 1 + partsOf(tree).reduce((sum, part) => sum + countOf(part), 0);

const nodesOf = (tree: Tree): readonly Tree[] => [tree, ...partsOf(tree).flatMap(nodesOf)];

/** The tree with node `at`, counted from above and the left, replaced. */
function withNode(tree: Tree, at: number, change: (node: Tree) => Tree): Tree {
  if (at === 0) return change(tree);
  let left = at - 1;
  const inner = (part: Tree): Tree => {
    const count = countOf(part);
    const own = left;
    left -= count;
    return own >= 0 && own < count ? withNode(part, own, change) : part;
  };
  return tree.is === 'object'
    ? { is: 'object', members: tree.members.map(([key, member]) => [key, inner(member)] as const) }
    : tree.is === 'list'
      ? { is: 'list', items: tree.items.map(inner) }
      : tree;
}

const deep = (depth: number): Tree => ({ is: 'text', text: `${'['.repeat(depth)}${']'.repeat(depth)}` });
const long = (count: number, item: string): Tree => ({
  is: 'text',
  text: `[${new Array(count).fill(item).join(',')}]`,
});

function changedNode(node: Tree, random: Random, others: readonly Tree[]): Tree {
  const kind = random.below(12);
  if (kind === 0) return { is: 'text', text: random.pick(written) };
  if (kind === 1) return { is: 'text', text: JSON.stringify(random.pick(nastyTexts)) };
  if (kind === 2 && others.length > 0) return random.pick(others);
  if (kind === 3)
    return random.oneIn(2) ? deep(random.pick([10, 150, 250, 5000])) : long(random.pick([10, 1000, 20_000]), '0');
  if (kind === 4) return { is: 'text', text: JSON.stringify('a'.repeat(random.pick([64, 300, 5000, 50_000]))) };
  if (node.is === 'object') {
    const at = random.below(node.members.length + 1);
    const found = node.members[at];
    const rest = node.members.filter((_, index) => index !== at);
    const name = random.oneIn(2) ? random.pick(ownNames) : `${found?.[0] ?? 'x'}${random.below(10)}`;
    if (kind <= 6 || !found) return { is: 'object', members: rest };
    if (kind <= 8) return { is: 'object', members: [...rest, [name, found[1]]] };
    return {
      is: 'object',
      members: [...node.members, [random.oneIn(2) ? found[0] : name, random.pick(nodesOf(node))]],
    };
  }
  if (node.is === 'list') {
    const at = random.below(node.items.length + 1);
    if (kind <= 7) return { is: 'list', items: node.items.filter((_, index) => index !== at) };
    const more = node.items[at] ?? { is: 'text' as const, text: random.pick(written) };
    return { is: 'list', items: [...node.items, ...new Array<Tree>(random.oneIn(4) ? 200 : 1).fill(more)] };
  }
  if (kind <= 8 || !node.text.startsWith('"')) return { is: 'text', text: random.pick(written) };
  const inner = String(JSON.parse(node.text));
  const cut = random.below(inner.length + 1);
  return {
    is: 'text',
    text: JSON.stringify(
      `${inner.slice(0, cut)}${random.pick(nastyTexts)}${inner.slice(random.oneIn(2) ? cut : cut + 1)}`,
    ),
  };
}

function parsed(text: string): Tree | null {
  try {
    return treeOf(parseJsonWithin(text, mostDepth) as Json);
  } catch {
    return null;
  }
}

const mostNodes = 5000;
/** What is deeper is changed as a text. */
const mostDepth = 100;

/**
 * A JSON text with one change of its structure: a member left out, renamed or there twice, a value of another type, a number at a
 * limit, lists that are long or deep.
 *
 * @returns null for what is no JSON
 */
export function changeJson(text: string, random: Random, other: string): string | null {
  const tree = parsed(text);
  if (!tree) return null;
  const count = countOf(tree);
  if (count > mostNodes) return null;
  const others = parsed(other);
  const spare = others && countOf(others) <= mostNodes ? nodesOf(others) : [];
  return textOf(withNode(tree, random.below(count), (node) => changedNode(node, random, spare)));
}

/** The same of one line of JSON lines. */
export function changeJsonLine(text: string, random: Random, other: string): string | null {
  const lines = text.split('\n');
  const at = random.below(lines.length);
  const changed = changeJson(lines[at] ?? '', random, random.pick(other.split('\n')));
  return changed === null ? null : lines.toSpliced(at, 1, changed).join('\n');
}
