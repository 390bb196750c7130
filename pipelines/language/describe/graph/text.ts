import type { StepState } from '../../../../contracts/status.ts';
import type { Graph, GraphNode } from './model.ts';

/** How the parts of a drawing are coloured; without it, they are plain. */
export interface Paint {
  readonly title: (text: string) => string;
  readonly id: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly state: (state: StepState, text: string) => string;
}

const plain: Paint = { title: String, id: String, faint: String, state: (_, text) => text };

const marks: Readonly<Record<StepState, string>> = {
  done: '✔',
  running: '▶',
  paused: '⏸',
  waiting: '○',
  failed: '✘',
  cancelled: '■',
  skipped: '↷',
};

const sections = [
  ['step', null],
  ['onFailure', 'when a step has failed'],
  ['finally', 'at the end, whatever happened'],
] as const;

/**
 * Draws a graph as a tree for the terminal: each step under that of its needs which comes last, with the others named beside it.
 */
export function graphAsText(graph: Graph, paint: Paint = plain): string {
  const needsOf = new Map(
    graph.nodes.map(({ id }) => [
      id,
      graph.edges.filter(({ to, kind }) => to === id && kind === 'needs').map(({ from }) => from),
    ]),
  );
  const depths = new Map<string, number>();
  // In the order of the plan, so what a step needs comes before it.
  for (const { id } of graph.nodes)
    depths.set(id, Math.max(0, ...(needsOf.get(id) ?? []).map((need) => (depths.get(need) ?? 0) + 1)));
  const parentOf = (id: string) =>
    (needsOf.get(id) ?? []).toSorted((a, b) => (depths.get(a) ?? 0) - (depths.get(b) ?? 0)).at(-1) ?? null;
  const lines: { readonly tree: string; readonly node: GraphNode; readonly also: readonly string[] }[] = [];
  const draw = (node: GraphNode, lead: string, branch: string, under: string) => {
    const parent = parentOf(node.id);
    const also = (needsOf.get(node.id) ?? []).filter((need) => need !== parent);
    lines.push({ tree: lead + branch, node, also });
    const children = graph.nodes.filter(({ id }) => parentOf(id) === node.id);
    for (const [index, child] of children.entries()) {
      const isLast = index === children.length - 1;
      draw(child, lead + under, isLast ? '└─ ' : '├─ ', isLast ? '   ' : '│  ');
    }
  };
  const drawn = sections.flatMap(([role, heading]) => {
    const before = lines.length;
    for (const node of graph.nodes) if (node.role === role && parentOf(node.id) === null) draw(node, '', '', '');
    return lines.length === before ? [] : [{ heading, from: before, to: lines.length }];
  });
  const label = ({ node }: (typeof lines)[number]) => node.id + (node.count === null ? '' : ` ×${node.count}`);
  const width = Math.max(...lines.map((line) => line.tree.length + label(line).length));
  const kindWidth = Math.max(...lines.map(({ node }) => node.uses.length));
  const statusWidth = Math.max(...lines.map(({ node }) => node.status.length));
  const written = lines.map((line) => {
    const { tree, node, also } = line;
    const gap = ' '.repeat(width - tree.length - label(line).length);
    const status = node.state === null ? '' : `  ${marks[node.state]} ${node.status.padEnd(statusWidth)}`;
    const notes = [
      ...(also.length > 0 ? [`also needs ${also.join(', ')}`] : []),
      ...(node.when === null ? [] : [`when ${node.when}`]),
    ].join('; ');
    const kind = node.uses.padEnd(kindWidth);
    const painted = node.state === null ? '' : paint.state(node.state, status);
    return `${paint.faint(tree)}${paint.id(label(line))}${gap}  ${kind}${painted}${notes ? paint.faint(`  ${notes}`) : ''}`.trimEnd();
  });
  const head = paint.title(graph.name) + (graph.description === null ? '' : `: ${graph.description}`);
  const body = drawn.flatMap(({ heading, from, to }) => [
    ...(heading === null ? [''] : ['', paint.faint(heading)]),
    ...written.slice(from, to),
  ]);
  return [head, ...body].join('\n');
}
