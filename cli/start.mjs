import module from 'node:module';
import { installPackages, packagesAreInstalled, requireMachine } from '../native/bootstrap.mjs';

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
