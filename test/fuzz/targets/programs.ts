import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beheaded, behindHead, type Form, headed, type Target, textOfBytes } from '../engine/target.ts';

const heads = ['result.json', 'list.tsv'] as const;

const list = [
  ['what', 'file', 'bytes', 'modified', 'why', 'row', 'class'].join('\t'),
  ['used', 'coat/0.png', '1000', '2026-11-01T03:00:00.000Z', '', 'products.csv:2', 'coat'].join('\t'),
  ['rejected', '"a\\tb.png"', '12', '2026-11-01T03:00:00Z', 'is empty (0 bytes)', 'products.csv:3', ''].join('\t'),
  ['ignored', '', '', '', '3 left behind by macOS'].join('\t'),
  ['problem', '', '', '', '"class \\u0001"'].join('\t'),
].join('\n');

/** What programs of the user's own write, and lists of files that a person may have opened and saved. */
export const programs: Target = {
  name: 'programs',
  reads: "results of programs of the user's own, and lists of files",
  form: 'text',
  region: behindHead((head): Form => (head.endsWith('.json') ? 'json' : 'text')),
  tokens: ['\t', '"', '\\u0000', '1e400', '12345678901234567890', "'=1+1", '"\\ud800"'],
  open: async ({ folder }) => {
    const { readResult } = await import('../../../own-steps/result.ts');
    const { listsRows, readLines, readList } = await import('../../../datasets/folder/list.ts');
    const file = join(folder, 'result.json');
    return {
      seeds: [
        headed('result.json', '{"rows":100,"share":0.5,"names":["a","b"],"deep":{"a":[null,true]}}'),
        headed('list.tsv', `${list}\n`),
      ],
      run: async (input) => {
        const { head, body } = beheaded(input, heads);
        if (head === 'list.tsv') {
          const text = textOfBytes(body);
          return `${[...readLines(text)].length} lines, ${readList(text).size} files, rows ${listsRows(text)}`;
        }
        await writeFile(file, body);
        return `${Object.keys(await readResult(file, { isIn: () => false } as never)).length} fields`;
      },
    };
  },
};
