import { join } from 'node:path';
import { runParameters } from '../../../contracts/kinds/run.ts';
import { runProgram } from '../../../own-steps/index.ts';
import { openStore } from '../../../store/index.ts';

/** Runs a program that has a child and goes on for ever, as a worker does. */
const [home = '', mark = ''] = process.argv.slice(2);
const program = `import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "${mark}-child"])
time.sleep(1000)`;
await runProgram({
  key: { run: 'r', step: 's' },
  attempt: 1,
  parameters: runParameters.parse({ command: ['python3', '-c', program, mark] }),
  code: undefined,
  store: openStore(join(home, 'store')),
  cacheFolder: join(home, 'cache'),
  signal: new AbortController().signal,
  onLine: () => {},
  onProgress: () => {},
  graceMs: 500,
});
