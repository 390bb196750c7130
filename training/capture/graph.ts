/**
 * A TensorFlow graph as plain data.
 */

export type Attribute =
  | { readonly kind: 'type' | 'int' | 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints' | 'shape'; readonly value: readonly number[] }
  | {
      readonly kind: 'tensor';
      readonly dtype: number;
      readonly shape: readonly number[];
      /** Row-major; one element alone stands for all of them. */
      readonly bytes: Uint8Array;
    };

export type Attributes = Readonly<Record<string, Attribute>>;

/** An output of a node: `name` for the first, `name:1` for the second, and so on. */
export type Edge = string;

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly Edge[];
  /** Names of nodes that run before this one without giving it a value. */
  readonly control: readonly string[];
  readonly attributes: Attributes;
  /** Data type of each output. */
  readonly outputs: readonly number[];
  /** Where it is to run, `/device:GPU:1` say; absent where TensorFlow chooses. */
  readonly device?: string;
}

export const edge = (name: string, output: number): Edge => (output === 0 ? name : `${name}:${output}`);

export const nodeOf = (input: Edge): string => input.split(':', 1)[0] as string;

export const outputOf = (input: Edge): number => Number(input.split(':')[1] ?? 0);

/** How many elements a tensor of a shape has. */
export const elementsOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * The same nodes, each after those that it needs; otherwise in the order in which they came.
 *
 * @throws RangeError where nodes need each other in a circle
 */
export function inOrder(nodes: readonly GraphNode[]): GraphNode[] {
  const waiting = new Map(nodes.map((node) => [node.name, node]));
  const path = new Set<string>();
  const sorted: GraphNode[] = [];
  for (const first of nodes) {
    const open = waiting.has(first.name) ? [first] : [];
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      path.add(last.name);
      const needed = [...last.inputs.map(nodeOf), ...last.control].find((name) => waiting.has(name));
      if (needed !== undefined) {
        if (path.has(needed)) throw new RangeError(`${needed} needs its own result`);
        open.push(waiting.get(needed) as GraphNode);
        continue;
      }
      open.pop();
      path.delete(last.name);
      waiting.delete(last.name);
      sorted.push(last);
    }
  }
  return sorted;
}

/** The nodes that the roots need, in their order. */
export function prune(nodes: readonly GraphNode[], roots: readonly string[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const needed = new Set<string>();
  const pending = [...roots];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = byName.get(name);
    if (!node || needed.has(name)) continue;
    needed.add(name);
    pending.push(...node.inputs.map(nodeOf), ...node.control);
  }
  return nodes.filter(({ name }) => needed.has(name));
}
