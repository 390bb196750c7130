import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail logs` */
export function addLogs(program: Command, finish: Finish): void {
  program
    .command('logs <run> [step]')
    .description('show what workers and trainers said of a run')
    .option('--follow', 'go on until the run ends', false)
    .addOption(jsonOption())
    .action(async (run, step, options) =>
      finish((await import('../commands/logs.ts')).logsCommand(run, step, options)),
    );
}
