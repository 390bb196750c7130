import type { Command } from 'commander';
import { type Finish, jsonOption, openOption, pageFolderOption, replaceOption } from './options.ts';

/** `contrail report` */
export function addReport(program: Command, finish: Finish): void {
  program
    .command('report <run>')
    .description('write a page with all that is known about a run, finished or not')
    .addOption(openOption())
    .addOption(pageFolderOption())
    .addOption(replaceOption())
    .addOption(jsonOption())
    .action(async (run, options) => finish((await import('../commands/report.ts')).reportCommand(run, options)));
}
