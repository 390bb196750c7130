// `node native/install.mjs cpu|gpu`: what set-up fetches and builds, with native/ and contracts/ alone, so that an image keeps it in a layer of its own.
import { installPackages, requireMachine } from './bootstrap.mjs';

const [device = ''] = process.argv.slice(2);
if (device !== 'cpu' && device !== 'gpu') {
  process.stderr.write('Usage: node native/install.mjs cpu|gpu\n');
  process.exit(2);
}
requireMachine();
await installPackages();
const { load } = await import('./load.mjs');
const { setup } = /** @type {typeof import('./setup.ts')} */ (await load(new URL('setup.ts', import.meta.url)));
await setup({ device, log: (line) => void process.stderr.write(`${line}\n`) });
