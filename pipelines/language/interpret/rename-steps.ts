import { type Mention, readWhen } from '../expressions/when.ts';

/** A part of an expression, and what takes its place. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** An expression with some of the names that it mentions replaced. One that cannot be read stays as it is. */
export function withNames(when: string, replacement: (mention: Mention) => string | null): string {
  const edits = mentionsIn(when).flatMap((mention): Edit[] => {
    const [first] = mention.parts;
    const text = first && replacement(mention);
    return first && text != null ? [{ start: mention.start, end: first.until, text }] : [];
  });
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: put }) => text.slice(0, start) + put + text.slice(end), when);
}

/** A step as an expression names it whatever its id. */
export const namedStep = (id: string): string => `steps[${JSON.stringify(id)}]`;

function mentionsIn(when: string): readonly Mention[] {
  try {
    return readWhen(when).mentions;
  } catch {
    return [];
  }
}
