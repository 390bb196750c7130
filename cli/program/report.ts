import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

const commands = () => import('../commands/report.ts');

/** `contrail report` and `contrail compare` */
export function addReport(program: Command, finish: Finish): void {
  const withOptions = (command: Command) =>
    command
      .option('--open', 'show it in the browser', false)
      .option('--to <folder>', 'write it there, not into the store')
      .addOption(jsonOption());
  withOptions(
    program.command('report <run>').description('write a page with all that is known about a run, finished or not'),
  ).action(async (run, options) => finish((await commands()).reportCommand(run, options)));
  withOptions(
    program.command('compare <run> <run...>').description('write a page that shows two or more runs side by side'),
  ).action(async (first, others, options) => finish((await commands()).compareCommand([first, ...others], options)));
}
