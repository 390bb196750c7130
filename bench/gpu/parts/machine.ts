import { execFileSync } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { openHome } from '../../../home/home.ts';
import { diagnose } from '../../../native/index.ts';
import type { Tell } from '../figures.ts';

const inventory = 'name,driver_version,memory.total,compute_cap,power.limit,clocks.max.sm';

/** What machine this is, and whether every part of the installation is there. */
export async function machine({ python }: { readonly python: string }, tell: Tell): Promise<void> {
  const say = (figure: string, program: string, args: readonly string[]) => {
    try {
      tell(figure, execFileSync(program, args, { encoding: 'utf8', timeout: 60_000 }).trim());
    } catch (error) {
      tell(figure, `not known: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  };
  tell('processors', availableParallelism());
  tell('memory', Math.round(totalmem() / 2 ** 30), 'GiB');
  tell('node', process.version);
  say('gpu', 'nvidia-smi', [`--query-gpu=${inventory}`, '--format=csv,noheader']);
  say('pytorch', python, [
    '-c',
    'import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available())',
  ]);
  for (const { part, ok, found } of await diagnose(openHome().folder))
    tell(`doctor: ${part}`, ok ? found : `NOT WELL: ${found}`);
}
