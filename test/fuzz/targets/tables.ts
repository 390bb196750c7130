import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beheaded, behindHead, headed, type Target } from '../engine/target.ts';

const csv = `image,label,group,category,split
coat/0.png,coat,p1,studio,train
"shirt ""1"".png",shirt,p2,"a, b",test
https://example.org/a.png?x=1,"line
break",p3,,validation

'=SUM(A1),coat,,,
`;
const jsonLines = `{"image":"coat/0.png","label":"coat","group":"p1","split":"train"}
{"image":"b.png","label":3,"group":null,"category":"x"}

{"label":true,"image":"https://example.org/b.png?x=2"}
`;

const heads = ['csv', 'tsv', 'jsonl', 'relabels.csv', 'relabels.jsonl', 'semicolons.csv'] as const;
const bodies: Readonly<Record<(typeof heads)[number], string>> = {
  csv,
  tsv: csv.replaceAll(',', '\t').replaceAll('"', ''),
  jsonl: jsonLines,
  'relabels.csv': 'image,label,note\ncoat/0.png,shirt,wrong\nb.png,-,\n',
  'relabels.jsonl': '{"image":"coat/0.png","label":"shirt"}\n{"image":"b.png","label":"-"}\n',
  'semicolons.csv': `\ufeff${csv.replaceAll(',', ';').replaceAll('\n', '\r\n')}`,
};

/** Tables of images and tables of corrections, as people and programs write them. */
export const tables: Target = {
  name: 'tables',
  reads: 'tables in CSV, TSV and JSON lines, and corrections of labels',
  form: 'text',
  tokens: [
    ...[
      ',',
      ';',
      '\t',
      '"',
      '""',
      '"\n"',
      '\r',
      '\r\n',
      '\n',
      '|',
      'image',
      'label',
      'group',
      'split',
      'train',
      'Image',
    ],
    ...[
      'http://[::1]/',
      'https://user:pw@host/',
      'file:///etc/passwd',
      'a/../b.png',
      '{"image":1}',
      '\\u0000',
      '"\ud83d"',
    ],
  ],
  region: behindHead((head) => (head.endsWith('jsonl') ? 'json-lines' : 'text')),
  open: async ({ folder }) => {
    const { findTable } = await import('../../../datasets/table/table-file.ts');
    const { findRelabels } = await import('../../../datasets/table/relabels.ts');
    const { readRows } = await import('../../../datasets/table/rows.ts');
    const { columnsOf } = await import('../../../datasets/table/columns.ts');
    await writeFile(join(folder, 'sound.csv'), csv);
    return {
      seeds: heads.map((head) => headed(head, bodies[head])),
      run: async (input) => {
        const { head, body } = beheaded(input, heads);
        const path = join(folder, `${head.replace('.', '-')}.${head.split('.').at(-1)}`);
        await writeFile(path, body);
        const isRelabels = head.startsWith('relabels');
        const { rows, about } = await readRows({
          file: await findTable(isRelabels ? join(folder, 'sound.csv') : path),
          columns: columnsOf(head === 'jsonl' ? { labels: ['group'] } : {}),
          allowUrls: true,
          relabels: isRelabels ? await findRelabels(path) : null,
        });
        const reasons = rows.flatMap((row) => (row.is === 'rejected' ? [row.reason] : []));
        return `${rows.length} rows, ${about.warnings.length} warnings, ${reasons[0] ?? ''}`;
      },
    };
  },
};
