import { type Document, isMap, isNode, isPair, isScalar, isSeq, type LineCounter, type Node, type Scalar } from 'yaml';
import { addProblem, type Path, type Problem, type Report } from './problems.ts';

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Reports mistakes by where their values stand in a YAML text. */
export function reportInYaml(
  { document, lines, text }: { document: Document; lines: LineCounter; text: string },
  file: string,
  problems: Problem[],
): Report {
  const at = (offset: number | undefined): Place => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line, column: col };
  };
  const nodeAt = (path: Path): unknown => (path.length === 0 ? document.contents : document.getIn(path, true));
  const offsetOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined);
  const keyAt = (path: Path): unknown => {
    const parent = nodeAt(path.slice(0, -1));
    return isMap(parent)
      ? parent.items.find(
          (pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(path.at(-1)),
        )?.key
      : undefined;
  };
  const ofValue = (path: Path): Place => {
    for (let length = path.length; length > 0; length--) {
      const head = path.slice(0, length);
      const node = nodeAt(head);
      const offset = offsetOf(isMap(node) || isSeq(node) ? (keyAt(head) ?? node) : node) ?? offsetOf(keyAt(head));
      if (offset !== undefined) return at(offset);
    }
    return at(offsetOf(document.contents));
  };
  const ofText = (path: Path, offset: number): Place => {
    const node = nodeAt(path);
    return isScalar(node) && node.range ? at(node.range[0] + sourceOffset(node, offset, text)) : ofValue(path);
  };
  const add = (place: Place, message: string) => addProblem(problems, { file, ...place, message });
  return {
    at: (path, message) => add(ofValue(path), message),
    atKey: (path, message) => add(at(offsetOf(keyAt(path)) ?? offsetOf(nodeAt(path))), message),
    inText: (path, offset, message) => add(ofText(path, offset), message),
    outside: (where, message) => addProblem(problems, { file: where, line: 0, column: 0, message }),
  };
}

/** Where in the source of a text its character number `offset` stands, from the start of that source. */
function sourceOffset(node: Scalar, offset: number, text: string): number {
  const [start, end] = node.range ?? [0, 0];
  const source = text.slice(start, end);
  const value = String(node.value);
  if (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED') {
    const [header = '', ...lines] = source.split('\n');
    const indent = (lines.find((line) => line.trim() !== '') ?? '').search(/\S/);
    let before = header.length + 1;
    let left = offset;
    for (const line of lines) {
      const length = Math.max(0, line.length - indent);
      if (left <= length) return before + indent + left;
      left -= length + 1;
      before += line.length + 1;
    }
    return 0;
  }
  const quote = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0;
  // Where something is escaped, or the text goes over several lines, its beginning has to do.
  return source.slice(quote, quote + offset) === value.slice(0, offset) ? quote + offset : 0;
}
