import sharp from 'sharp';
import { expect, it } from 'vitest';
import { standalone } from '../../report/plots/draw.ts';
import { toPng } from '../../report/plots/png.ts';

/** What names may have, and how an SVG file has it. */
const names = [
  ['\u001b[31mred', '\ufffd[31mred'],
  ['b\u0001x', 'b\ufffdx'],
  ['end\uffff', 'end\ufffd'],
  ['half \ud83d pair', 'half \ufffd pair'],
  ['Übung 👟', 'Übung 👟'],
] as const;
const named = (name: string) => `<svg width="80" height="20"><text x="2" y="15">${name}</text></svg>`;

it('an SVG file is well-formed XML whatever characters the names in it have', async () => {
  for (const [name, inXml] of names) {
    const file = standalone(named(name));
    expect(file).toContain(`<text x="2" y="15">${inXml}</text>`);
    // The parser of the picture library refuses what is not well-formed.
    expect(await sharp(Buffer.from(file)).metadata()).toMatchObject({ format: 'svg', width: 80, height: 20 });
  }
});

it('a picture is drawn whatever characters the names in it have', async () => {
  for (const [name] of names) expect(await toPng(standalone(named(name)))).toMatchObject({ width: 160, height: 40 });
});
