import { LineCounter, parseAllDocuments } from 'yaml';
import { reportInYaml } from './places.ts';
import type { Problem, Report } from './problems.ts';

const maximumBytes = 1024 * 1024;

/** A text, and what to call it in messages. */
export interface PipelineSource {
  readonly text: string;
  readonly file: string;
}

/** Reads one YAML document. Null where there is none that could be looked at; the mistakes are then in `problems`. */
export function readYaml(
  { text, file }: PipelineSource,
  problems: Problem[],
): { readonly value: unknown; readonly report: Report } | null {
  const add = (place: { line: number; column: number }, message: string) => {
    problems.push({ file, ...place, message });
    return null;
  };
  const top = { line: 1, column: 1 };
  if (text.length > maximumBytes) return add(top, `the file is larger than ${maximumBytes} bytes`);
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (!document) return add(top, 'the file is empty; a pipeline needs name and steps');
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    add(
      { line, column: col },
      error.code === 'DUPLICATE_KEY' ? 'this key is there twice' : `not valid YAML: ${error.message}`,
    );
  }
  if (second) {
    const { line, col } = lines.linePos(second.range?.[0] ?? 0);
    return add({ line, column: col }, 'only one document is allowed in a file');
  }
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return null;
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value, report: reportInYaml({ document, lines, text }, file, problems) };
  } catch (error) {
    return add(top, error instanceof Error ? error.message : String(error));
  }
}
