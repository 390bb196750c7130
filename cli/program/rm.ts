import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail rm` */
export function addRm(program: Command, finish: Finish): void {
  program
    .command('rm <run...>')
    .description('remove runs that have ended from the store')
    .option('--dry-run', 'only say what would go', false)
    .option('--yes', 'do not ask', false)
    .addOption(jsonOption())
    .action(async (runs, options) => finish((await import('../commands/rm.ts')).removeCommand(runs, options)));
}
