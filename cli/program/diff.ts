import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail diff` */
export function addDiff(program: Command, finish: Finish): void {
  program
    .command('diff <run> <other>')
    .description('show what is different between two runs')
    .addOption(jsonOption())
    .action(async (a, b, options) => finish((await import('../commands/diff.ts')).diffCommand(a, b, options)));
}
