import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** `contrail plan` */
export function addPlan(program: Command, finish: Finish): void {
  program
    .command('plan <pipeline>')
    .description('show what a run would do with each step, why, and how long it would take')
    .addOption(setOption())
    .option('--resume <run>', 'as if that run were gone on with')
    .addOption(jsonOption())
    .action(async (file, options) => finish((await import('../commands/plan.ts')).planCommand(file, options)));
}
