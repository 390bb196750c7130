import module from 'node:module';
import { installPackages, packagesAreInstalled, requireMachine } from '../native/bootstrap.mjs';
import { version } from '../native/root.mjs';

const [first = '', ...others] = process.argv.slice(2);
// What scripts ask at each start needs nothing of the rest.
if (others.length === 0 && (first === '--version' || first === '-V')) {
  // Why it cannot be written the rest says.
  process.stdout.once('error', start).write(`${version()}\n`);
} else await start();

async function start() {
  if (!packagesAreInstalled()) {
    requireMachine();
    await installPackages();
  }
  process.title = 'contrail';
  // From Node 22 on, what was compiled once is kept.
  /** @type {{ enableCompileCache?: () => unknown }} */ (module).enableCompileCache?.();
  const { load } = await import('../native/load.mjs');
  const { main } = /** @type {typeof import('./main.ts')} */ (await load(new URL('main.ts', import.meta.url)));
  // A connection that was given up may keep its timers for seconds.
  process.exit(await main(process.argv.slice(2)));
}
