import pc from 'picocolors';
import { installedFashionMnist } from '../../datasets/index.ts';
import { openHome } from '../../home/home.ts';
import { diagnose } from '../../native/index.ts';
import { print, printJson } from '../output.ts';
import { table } from '../table.ts';

/** `contrail doctor`: 0 when every part is well. */
export async function doctorCommand({ json }: { readonly json: boolean }): Promise<number> {
  const { folder, cacheFolder } = openHome();
  const dataset = await installedFashionMnist(cacheFolder);
  const checks = [
    ...(await diagnose(folder)),
    {
      part: 'Fashion-MNIST',
      ok: true,
      found: dataset ?? 'not fetched yet',
      fix: 'It is fetched when a pipeline first needs it.',
    },
  ];
  if (json) printJson({ ok: checks.every(({ ok }) => ok), checks });
  else
    print(
      table(
        ['part', 'state', 'found', 'how to mend it'],
        checks.map(({ part, ok, found, fix }) => [
          part,
          ok ? pc.green('well') : pc.red('missing'),
          found,
          ok ? '' : fix,
        ]),
      ),
    );
  return checks.every(({ ok }) => ok) ? 0 : 1;
}
