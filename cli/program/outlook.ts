import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** Commands that look at a run before, while, and after it spends anything. */
export function addOutlook(program: Command, finish: Finish): void {
  program
    .command('plan <pipeline>')
    .description('show what a run would do with each step, why, and how long it would take')
    .addOption(setOption())
    .option('--resume <run>', 'as if that run were gone on with')
    .addOption(jsonOption())
    .action(async (file, options) => finish((await import('../commands/plan.ts')).planCommand(file, options)));
  program
    .command('diff <run> <other>')
    .description('show what is different between two runs')
    .addOption(jsonOption())
    .action(async (a, b, options) => finish((await import('../commands/diff.ts')).diffCommand(a, b, options)));
  program
    .command('logs <run> [step]')
    .description('show what workers and trainers said of a run')
    .option('--follow', 'go on until the run ends', false)
    .addOption(jsonOption())
    .action(async (run, step, options) =>
      finish((await import('../commands/logs.ts')).logsCommand(run, step, options)),
    );
}
