import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail terminate` */
export function addTerminate(program: Command, finish: Finish): void {
  program
    .command('terminate <run>')
    .description('end a run at once, without a checkpoint; it can be resumed')
    .option('--yes', 'do not ask', false)
    .action(async (id, options) => finish((await import('../commands/terminate.ts')).terminateCommand(id, options)));
}
