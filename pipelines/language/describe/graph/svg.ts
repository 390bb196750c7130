import { layOut, type PlacedNode } from './layout.ts';
import type { Graph, GraphNode } from './model.ts';

const titleSize = 14;
const textSize = 12;
const lineHeight = 18;
const padding = 12;
const headHeight = 52;
/** Of a character, as a share of the size of the text: rather too wide than too narrow for any sans-serif. */
const characterWidth = 0.6;
const maximumCharacters = 44;

const styles = `
  :root { color-scheme: light dark; }
  .contrail-graph { --paper: #ffffff; --ink: #1f2937; --faint: #6b7280; --line: #9ca3af; --box: #f9fafb;
    font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
  .done { --line: #16a34a; --box: #f0fdf4; } .running { --line: #2563eb; --box: #eff6ff; }
  .paused { --line: #9333ea; --box: #faf5ff; } .failed { --line: #dc2626; --box: #fef2f2; }
  .cancelled { --line: #d97706; --box: #fffbeb; }
  @media (prefers-color-scheme: dark) {
    .contrail-graph { --paper: #0d1117; --ink: #e5e7eb; --faint: #9ca3af; --line: #6b7280; --box: #161b22; }
    .done { --line: #22c55e; --box: #0f2417; } .running { --line: #60a5fa; --box: #101d33; }
    .paused { --line: #c084fc; --box: #231433; } .failed { --line: #f87171; --box: #2d1216; }
    .cancelled { --line: #fbbf24; --box: #2b2110; }
  }
  .paper { fill: var(--paper); } .box { fill: var(--box); stroke: var(--line); stroke-width: 1.5; }
  .skipped .box, .onFailure .box, .finally .box { stroke-dasharray: 5 4; }
  .title { fill: var(--ink); font-size: ${titleSize}px; font-weight: 600; }
  .text { fill: var(--faint); font-size: ${textSize}px; } .status { fill: var(--line); font-weight: 600; }
  .waiting .status, .skipped .status { fill: var(--faint); }
  .arrow { fill: none; stroke: var(--line); stroke-width: 1.5; } .after { stroke-dasharray: 2 4; }
  .head { fill: var(--line); }`;

/** Draws a graph as an SVG that needs nothing else, for light and dark backgrounds. */
export function graphAsSvg(graph: Graph): string {
  const { width, height, nodes, edges } = layOut(graph, sizeOf);
  const heading = shortened(graph.description === null ? graph.name : `${graph.name}: ${graph.description}`, 100);
  const whole = {
    width: Math.ceil(Math.max(width, widthOf(heading, titleSize) + 2 * 16)),
    height: Math.ceil(height + headHeight),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="contrail-graph" role="img" aria-label="${escaped(graph.name)}" width="${whole.width}" height="${whole.height}" viewBox="0 0 ${whole.width} ${whole.height}">`,
    `<style>${styles}\n</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0 8 4 0 8z"/></marker></defs>',
    '<rect class="paper" width="100%" height="100%"/>',
    `<text class="title" x="16" y="32">${escaped(heading)}</text>`,
    `<g transform="translate(0 ${headHeight - 16})">`,
    ...edges.map(
      ({ points, kind }) =>
        `<path class="arrow${kind === 'after' ? ' after' : ''}" marker-end="url(#head)" d="${curve(points)}"/>`,
    ),
    ...nodes.map(box),
    '</g>',
    '</svg>',
  ].join('\n');
}

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] ?? '');
const shortened = (text: string, characters = maximumCharacters) =>
  text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
const widthOf = (text: string, size: number) => text.length * size * characterWidth;
const round = (value: number) => Math.round(value * 10) / 10;

const titleOf = ({ id, count }: GraphNode) => (count === null ? id : `${shortened(id)} ×${count}`);

const roleNotes = { step: null, onFailure: 'on failure', finally: 'finally' } as const;

function linesOf({ uses, role, when, status }: GraphNode): { readonly text: string; readonly style: string }[] {
  const note = roleNotes[role];
  return [
    { text: note === null ? uses : `${uses}, ${note}`, style: 'text' },
    ...(when === null ? [] : [{ text: shortened(`when ${when}`), style: 'text' }]),
    ...(status === '' ? [] : [{ text: status, style: 'text status' }]),
  ];
}

function sizeOf(node: GraphNode) {
  const lines = linesOf(node);
  const widths = [widthOf(titleOf(node), titleSize), ...lines.map(({ text }) => widthOf(text, textSize))];
  return {
    width: Math.ceil(Math.max(96, ...widths) + 2 * padding),
    height: (lines.length + 1) * lineHeight + 2 * padding - 4,
  };
}

function box({ node, x, y, width, height }: PlacedNode): string {
  const left = round(x - width / 2);
  const top = round(y - height / 2);
  const shape = (shift: number) =>
    `<rect class="box" x="${left + shift}" y="${top - shift}" width="${width}" height="${height}" rx="8"/>`;
  const texts = [{ text: titleOf(node), style: 'title' }, ...linesOf(node)].map(
    ({ text, style }, index) =>
      `<text class="${style}" x="${left + padding}" y="${top + padding + 11 + index * lineHeight}">${escaped(text)}</text>`,
  );
  const tip = [node.id, node.uses, node.when === null ? null : `when ${node.when}`, node.status || null];
  return [
    `<g class="${[node.state ?? 'planned', node.role].join(' ')}">`,
    `<title>${escaped(tip.filter((each) => each !== null).join('\n'))}</title>`,
    ...(node.count === null ? [] : [shape(6), shape(3)]),
    shape(0),
    ...texts,
    '</g>',
  ].join('');
}

/** A smooth line through points, with its ends horizontal. */
function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const [first, ...rest] = points;
  if (!first) return '';
  let at = first;
  const pieces = rest.map((point) => {
    const middle = round((at.x + point.x) / 2);
    const piece = `C${middle} ${round(at.y)} ${middle} ${round(point.y)} ${round(point.x)} ${round(point.y)}`;
    at = point;
    return piece;
  });
  return [`M${round(first.x)} ${round(first.y)}`, ...pieces].join('');
}
