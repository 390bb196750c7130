import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail retry` */
export function addRetry(program: Command, finish: Finish): void {
  program
    .command('retry <run> <step>')
    .description('do a step again, and what follows it')
    .option('--detach', 'do not follow the run', false)
    .addOption(jsonOption())
    .action(async (id, step, options) =>
      finish((await import('../commands/retry.ts')).retryCommand(id, step, options)),
    );
}
