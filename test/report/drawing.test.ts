import { expect, it } from 'vitest';
import { toPng } from '../../report/plots/png.ts';

it('a picture is drawn whatever characters the names in it have', async () => {
  const named = (name: string) =>
    `<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20"><text x="2" y="15">${name}</text></svg>`;
  for (const name of ['\u001b[31mred', 'b\u0001x', 'end\uffff', 'half \ud83d pair', 'Übung 👟'])
    expect(await toPng(named(name))).toMatchObject({ width: 160, height: 40 });
});
