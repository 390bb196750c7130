import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail approve` */
export function addApprove(program: Command, finish: Finish): void {
  program
    .command('approve <run> <step>')
    .description('agree to a step that waits for a person, or reject it')
    .requiredOption('--as <name>', 'who decides; recorded, with the user and the machine')
    .option('--reason <text>', 'recorded with it')
    .option('--reject', 'do not agree: the step fails', false)
    .action(async (id, step, options) =>
      finish((await import('../commands/approve.ts')).approveCommand(id, step, options)),
    );
}
