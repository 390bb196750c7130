import { Graph as DirectedGraph, layout } from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode } from './model.ts';

interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedNode extends Point {
  readonly node: GraphNode;
  readonly width: number;
  readonly height: number;
}

/** Where each box stands (x and y of its middle), and the points each arrow goes through, in pixels. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly (GraphEdge & { readonly points: readonly Point[] })[];
}

/** Places the boxes of a graph from left to right, so that arrows go forward and cross little. */
export function layOut(
  graph: Graph,
  sizeOf: (node: GraphNode) => { readonly width: number; readonly height: number },
): Layout {
  const drawing = new DirectedGraph();
  drawing.setGraph({ rankdir: 'LR', nodesep: 24, ranksep: 56, edgesep: 16, marginx: 16, marginy: 16 });
  for (const node of graph.nodes) drawing.setNode(node.id, { ...sizeOf(node) });
  for (const { from, to } of graph.edges) drawing.setEdge(from, to, {});
  layout(drawing);
  const { width = 0, height = 0 } = drawing.graph() as { width?: number; height?: number };
  const nodes = graph.nodes.map((node): PlacedNode => {
    const { x, y } = drawing.node(node.id) as Point;
    return { node, x, y, ...sizeOf(node) };
  });
  const placed = new Map(nodes.map((each) => [each.node.id, each]));
  return {
    width,
    height,
    nodes,
    edges: graph.edges.map((edge) => {
      const { points } = drawing.edge(edge.from, edge.to) as { points: readonly Point[] };
      return { ...edge, points: fromSideToSide(points, placed.get(edge.from), placed.get(edge.to)) };
    }),
  };
}

/** Arrows leave a box at the middle of its right side and come in at the middle of the left one. */
function fromSideToSide(points: readonly Point[], from: PlacedNode | undefined, to: PlacedNode | undefined): Point[] {
  return [
    ...(from ? [{ x: from.x + from.width / 2, y: from.y }] : []),
    ...points.slice(1, -1),
    ...(to ? [{ x: to.x - to.width / 2, y: to.y }] : []),
  ];
}
