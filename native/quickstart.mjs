import { installPackages, requireMachine } from './bootstrap.mjs';

requireMachine();
installPackages();
process.argv.splice(2, 0, 'quickstart');
await import('../cli/contrail.mjs');
