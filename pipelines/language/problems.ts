import { type Document, isMap, isNode, isPair, isScalar, isSeq, type LineCounter, type Node } from 'yaml';

export type Path = readonly (string | number)[];

/** A mistake in a pipeline, with its place. */
export interface Problem {
  readonly file: string;
  /** From 1; 0 for a mistake that is not in the file, such as a `--set`. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const formatProblem = ({ file, line, column, message }: Problem): string =>
  line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;

/** Finds where in the file a value stands. */
export interface Places {
  /** The place of the value at a path, or of the nearest one above it that is there. */
  readonly ofValue: (path: Path) => { line: number; column: number };
  /** The place of the key at a path. */
  readonly ofKey: (path: Path) => { line: number; column: number };
}

export function placesIn(document: Document, lines: LineCounter): Places {
  const at = (offset: number | undefined) => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line, column: col };
  };
  const offsetOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined);
  const keyNode = (path: Path): unknown => {
    const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
    return isMap(parent)
      ? parent.items.find(
          (pair) => isPair(pair) && isScalar(pair.key) && String(pair.key.value) === String(path.at(-1)),
        )?.key
      : undefined;
  };
  const ofValue = (path: Path): { line: number; column: number } => {
    for (let length = path.length; length > 0; length--) {
      const head = path.slice(0, length);
      const node = document.getIn(head, true);
      const offset = offsetOf(isMap(node) || isSeq(node) ? (keyNode(head) ?? node) : node) ?? offsetOf(keyNode(head));
      if (offset !== undefined) return at(offset);
    }
    return at(offsetOf(document.contents));
  };
  return { ofValue, ofKey: (path) => at(offsetOf(keyNode(path)) ?? offsetOf(document.getIn(path, true))) };
}
