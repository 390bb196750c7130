import type { Command } from 'commander';
import { type Finish, jsonOption, openOption, pageFolderOption, replaceOption } from './options.ts';

/** `contrail compare` */
export function addCompare(program: Command, finish: Finish): void {
  program
    .command('compare <run> <run...>')
    .description('write a page that shows two or more runs side by side: trainings, evaluations and searches')
    .addOption(openOption())
    .addOption(pageFolderOption())
    .addOption(replaceOption())
    .addOption(jsonOption())
    .action(async (first, others, options) =>
      finish((await import('../commands/compare.ts')).compareCommand([first, ...others], options)),
    );
}
