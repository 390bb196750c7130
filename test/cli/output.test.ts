import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, forTerminal, shorten } from '../../cli/output.ts';
import { table } from '../../cli/table.ts';
import { forReading } from '../../cli/wrapped.ts';
import { displayWidth } from '../../contracts/display-width.ts';
import { markdownLine, markdownText } from '../../contracts/markdown-text.ts';
import { visible, visibleJson } from '../../contracts/visible-text.ts';

/** What a folder can be called, and what a terminal makes of it. */
const hostile = {
  'sets the title of the window': '\u001b]0;PWNED\u0007shirt',
  'clears the screen': '\u001b[2Jshirt',
  'the same in one byte of C1': '\u009b2Jshirt',
  'returns to the beginning of the line': 'evil\rshirt',
  'turns the direction': 'shirt\u202egpj.exe',
  isolates: 'shirt\u2066x\u2069',
  'has no width': 'shi\u200brt',
  'is joined to nothing': 'shi\u200drt',
  'breaks the line for some': 'a\u2028b',
  'is deleted': 'shirt\u007f',
};
const acting =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;
const anyText = fc.string({ unit: 'binary', maxLength: 60 });

describe('a table in a terminal', () => {
  const digest = 'a1b2'.repeat(16);
  const [head, rows] = [
    ['step', 'why', 'digest'],
    [
      ['pretrain', 'depends on a condition that the run itself decides on, once it knows', digest],
      ['probe', 'depends on pretrain', ''],
    ],
  ] as const;
  const linesAt = (width: number, options = {}) => table(head, rows, { width, ...options }).split('\n');

  it('is no wider than that, and nothing of it is lost', () => {
    for (const width of [60, 80, 120, 200]) {
      const lines = linesAt(width);
      expect(Math.max(...lines.map((line) => displayWidth(line.trimEnd()))), String(width)).toBeLessThanOrEqual(width);
      const ofWhy = lines.join(' ').split(/\s+/);
      for (const word of rows[0][1].split(' ')) expect(ofWhy).toContain(word);
      expect(
        lines
          .join('')
          .match(/[ab12]{4}/g)
          ?.join(''),
      ).toContain(digest.slice(0, 8));
    }
    expect(linesAt(200)).toHaveLength(3);
    // Between words where it can: the digest stays whole where there is room for it.
    expect(linesAt(110).join('\n')).toContain(digest);
  });

  it('breaks no id of a run: the other columns give way, and where they cannot the table is wider', () => {
    const run = 'retrain-20261127-183000-k3f9';
    const cells = [run, 'retrain-every-week', 'not on this server', '12 of 14 steps done', '2026-11-27 18:30:00'];
    for (const width of [40, 60, 80])
      expect(table(['run', 'pipeline', 'state', 'stage', 'started'], [cells], { width, whole: ['run'] })).toContain(
        run,
      );
  });

  it('has no heading where no column has a name', () => {
    expect(table(['', ''], [['model', 'shirts']]).split('\n')).toHaveLength(1);
  });

  it('cuts a column of sentences, where that is asked for, and no other', () => {
    const lines = linesAt(110, { cut: 'why' });
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/depends on a .*… +a1b2/);
    expect(lines[1]).toContain(digest);
  });

  it('is as wide as it is where nobody watches', () => {
    expect(table(head, rows, { width: undefined }).split('\n')).toHaveLength(3);
  });
});

it('a sentence is broken between words in a terminal, and one line elsewhere', () => {
  const text = '  version 2, of run retrain-1: top1 0.9, and version 1 has 0.8, on 90 test images';
  expect(forReading(text, '    ', undefined)).toBe(text);
  const lines = forReading(text, '    ', 40).split('\n');
  expect(lines[0]).toBe('  version 2, of run retrain-1: top1 0.9,');
  expect(lines.slice(1).every((line) => line.startsWith('    ') && line.length <= 40)).toBe(true);
  expect(lines.map((line) => line.trim()).join(' ')).toBe(text.trim());
});

describe('text on its way to a terminal', () => {
  for (const [what, text] of Object.entries(hostile))
    it(`that ${what} is shown instead`, () => {
      for (const shown of [forTerminal(text), visible(text), table(['class'], [[text]]), shorten(text, 40)])
        expect(shown).not.toMatch(acting);
      expect(visible(text)).toMatch(/\\[xu][0-9a-f]|\\r/);
    });

  it('holds nothing that acts, whatever it was, and loses nothing that shows', () => {
    fc.assert(fc.property(anyText, (text) => void expect(forTerminal(text)).not.toMatch(acting)));
    for (const text of ['قميص', 'חולצה', '衬衫', 'größe', '👩‍💻', 'a–b'])
      expect([forTerminal(text), visible(text)]).toEqual([text, text]);
  });

  it('as JSON is read as the same value', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = visibleJson(JSON.stringify({ text }));
        expect(json).not.toMatch(acting);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  it('keeps its line in a table, where a name has several', () => {
    const [, ...rows] = table(
      ['class', 'images'],
      [
        ['a\nb', 1],
        ['c', 2],
      ],
    ).split('\n');
    expect(rows).toHaveLength(2);
    expect(rows[0]).toContain('a\\nb');
  });

  it('leaves through cli/output.ts alone', () => {
    const folder = fileURLToPath(new URL('../../cli/', import.meta.url));
    const writers = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && file !== 'output.ts')
      .flatMap((file) =>
        readFileSync(`${folder}${file}`, 'utf8')
          .split('\n')
          .filter((line) => /process\.std(out|err)\.write|console\.(log|error|warn)/.test(line))
          .filter((line) => !line.includes('forTerminal(')),
      );
    expect(writers).toEqual([]);
  });
});

describe('a name that is too long', () => {
  it('is as wide as a terminal shows it: Chinese and emoji two columns a sign, marks none', () => {
    const widths = {
      shirt: 5,
      größe: 5,
      'gro\u0308ße': 5,
      衬衫: 4,
      シャツ: 6,
      셔츠: 4,
      ｆｕｌｌ: 8,
      '👩‍💻': 2,
      '👕👖': 4,
      חולצה: 5,
    };
    for (const [name, width] of Object.entries(widths)) expect(displayWidth(name), name).toBe(width);
  });

  it('is shortened in its middle to the columns that there are, wide characters counting two', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 5, max: 30 }), (name, most) => {
        expect(displayWidth(shorten(name, most))).toBeLessThanOrEqual(most);
      }),
    );
    expect(shorten('dress-long-red', 9)).toBe('dres…-red');
    expect(shorten('衬衫衬衫衬衫衬衫', 7)).toBe('衬…衫');
  });

  it('does not look like another', () => {
    const names = ['dress-long-and-red', 'dress-very-long-and-red', 'dress-long-blue', 'coat'];
    const short = distinct(names, 8);
    expect(new Set(short).size).toBe(4);
    for (const name of short) expect(displayWidth(name)).toBeLessThanOrEqual(8);
    expect(short[3]).toBe('coat');
  });
});

describe('text in Markdown', () => {
  it('is neither HTML, nor a link, nor the end of its row, nor a heading', () => {
    expect(markdownText('<img src=x onerror=alert(1)>')).toBe('\\<img src=x onerror=alert(1)\\>');
    expect(markdownText('a|b\n# heading\n[x](javascript:alert(4))')).toBe(
      'a\\|b # heading \\[x\\](javascript:alert(4))',
    );
    expect(markdownText('`code` &lt; *bold* back\\slash')).toBe('\\`code\\` \\&lt; \\*bold\\* back\\\\slash');
    expect([markdownLine('# heading'), markdownLine('1. one'), markdownLine('- entry')]).toEqual([
      '\\# heading',
      '1\\. one',
      '\\- entry',
    ]);
  });

  it('is one line without anything that acts', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(markdownLine(text)).not.toMatch(acting);
        expect(markdownLine(text)).not.toMatch(/[\n\t]|(?<!\\)(?:\\\\)*[<|[`]/);
      }),
    );
  });
});
