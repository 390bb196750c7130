import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail cancel` */
export function addCancel(program: Command, finish: Finish): void {
  program
    .command('cancel <run>')
    .description('stop a run after a checkpoint')
    .option('--wait', 'until it has stopped', false)
    .action(async (id, options) => finish((await import('../commands/cancel.ts')).cancelCommand(id, options)));
}
