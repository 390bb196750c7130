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
  return {
    width,
    height,
    nodes: graph.nodes.map((node) => {
      const { x, y } = drawing.node(node.id) as Point;
      return { node, x, y, ...sizeOf(node) };
    }),
    edges: graph.edges.map((edge) => {
      const { points } = drawing.edge(edge.from, edge.to) as { points: readonly Point[] };
      return { ...edge, points };
    }),
  };
}
