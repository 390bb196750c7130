import { z } from 'zod';
import { openHome } from '../../../home/home.ts';
import { listCache, openStore } from '../../../store/index.ts';
import { print, printJson, say } from '../../output.ts';
import { table } from '../../table.ts';
import { localTime } from '../../times.ts';

const shownKey = 12;

/** The kind of step; empty where a fingerprint is not as this version writes it. */
function usesOf(fingerprint: string): string {
  try {
    return fingerprintSchema.parse(JSON.parse(fingerprint)).uses;
  } catch {
    return '';
  }
}
const fingerprintSchema = z.object({ uses: z.string() });

/** `contrail cache ls` */
export async function cacheListCommand({ json }: { readonly json: boolean }): Promise<number> {
  const entries = await listCache(openStore(openHome().storeUrl), say);
  const rows = entries.map(({ key, fingerprint, run, step, createdAt, result }) => ({
    key,
    uses: usesOf(fingerprint),
    run,
    step,
    createdAt,
    result,
  }));
  if (json) printJson(rows);
  else if (rows.length === 0) say('The cache is empty.');
  else
    print(
      table(
        ['key', 'kind', 'run', 'step', 'made'],
        rows.map(({ key, uses, run, step, createdAt }) => [
          key.slice(0, shownKey),
          uses,
          run,
          step,
          localTime(createdAt),
        ]),
        { whole: ['run'] },
      ),
    );
  return 0;
}
