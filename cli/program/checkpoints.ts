import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail checkpoints` */
export function addCheckpoints(program: Command, finish: Finish): void {
  program
    .command('checkpoints <run>')
    .description('show the checkpoints of a run, and whether they verify')
    .addOption(jsonOption())
    .action(async (id, options) =>
      finish((await import('../commands/checkpoints.ts')).checkpointsCommand(id, options)),
    );
}
