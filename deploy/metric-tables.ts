import type { Definition, Definitions } from '../metrics/registry.ts';

/** The metrics of a table as lines of Markdown. */
export const metricRows = (definitions: Definitions): string[] => [
  '| metric | labels | what it is |',
  '| --- | --- | --- |',
  ...Object.entries(definitions).map(([name, { type, labels, help }]: [string, Definition]) => {
    const named = labels.length === 0 ? '–' : labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${named} | ${help}${type === 'histogram' ? ' (histogram)' : ''} |`;
  }),
];

/** A page with its table between `<!-- name -->` and `<!-- end of name -->` made anew. @throws Error where it has no such place */
export function withTable(page: string, name: string, definitions: Definitions): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [before, rest] = page.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (before === undefined || after === undefined) throw new Error(`The page has no place for ${name}.`);
  return `${before}${begin}\n\n${metricRows(definitions).join('\n')}\n\n${end}${after}`;
}
