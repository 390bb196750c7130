import type { Graph, GraphNode } from './model.ts';

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '');

const classes = [
  'classDef done fill:#dcfce7,stroke:#16a34a,color:#14532d',
  'classDef running fill:#dbeafe,stroke:#2563eb,color:#1e3a8a',
  'classDef paused fill:#f3e8ff,stroke:#9333ea,color:#581c87',
  'classDef failed fill:#fee2e2,stroke:#dc2626,color:#7f1d1d',
  'classDef cancelled fill:#fef3c7,stroke:#d97706,color:#78350f',
  'classDef skipped stroke-dasharray:4 3',
  'classDef waiting stroke-opacity:0.5',
];

const groups = [
  ['onFailure', 'when a step has failed'],
  ['finally', 'at the end, whatever happened'],
] as const;

/** Draws a graph for Mermaid, which GitHub and many others show. */
export function graphAsMermaid(graph: Graph): string {
  // Ids of steps may be words of Mermaid's own, such as `end`.
  const nameOf = (id: string) => `step-${id}`;
  const box = (node: GraphNode) => {
    const { id, uses, count, when, status } = node;
    const lines = [
      `<b>${escaped(id)}</b>${count === null ? '' : ` ×${count}`}`,
      escaped(uses),
      ...(when === null ? [] : [`when ${escaped(when)}`]),
      ...(status === '' ? [] : [escaped(status)]),
    ];
    const text = `"${lines.join('<br>')}"`;
    return `${nameOf(id)}${count === null ? `[${text}]` : `[[${text}]]`}`;
  };
  const inRole = (role: GraphNode['role']) => graph.nodes.filter((node) => node.role === role).map(box);
  const states = [...new Set(graph.nodes.flatMap(({ state }) => state ?? []))];
  const lines = [
    ...inRole('step'),
    ...groups.flatMap(([role, title]) => {
      const boxes = inRole(role);
      return boxes.length === 0 ? [] : [`subgraph ${role}["${title}"]`, ...boxes.map((each) => `  ${each}`), 'end'];
    }),
    ...graph.edges.map(({ from, to, kind }) => `${nameOf(from)} ${kind === 'needs' ? '-->' : '-.->'} ${nameOf(to)}`),
    ...(states.length > 0 ? classes : []),
    ...states.map((state) => {
      const members = graph.nodes.filter((node) => node.state === state).map(({ id }) => nameOf(id));
      return `class ${members.join(',')} ${state}`;
    }),
  ];
  return [
    '---',
    `title: ${JSON.stringify(graph.name)}`,
    '---',
    'flowchart LR',
    ...lines.map((line) => `  ${line}`),
  ].join('\n');
}
