import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail quickstart` */
export function addQuickstart(program: Command, finish: Finish): void {
  program
    .command('quickstart')
    .description('set up, train the quickstart pipeline, and show what came out')
    .addOption(jsonOption())
    .option('--keep', 'leave server and worker running', false)
    .action(async (options) => finish((await import('../commands/quickstart.ts')).quickstartCommand(options)));
}
