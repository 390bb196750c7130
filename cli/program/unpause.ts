import type { Command } from 'commander';
import { changeOption, type Finish } from './options.ts';

/** `contrail unpause` */
export function addUnpause(program: Command, finish: Finish): void {
  program
    .command('unpause <run> [step...]')
    .description('let a paused run, or steps that wait for a person, go on')
    .addOption(changeOption())
    .action(async (id, steps, options) =>
      finish((await import('../commands/unpause.ts')).unpauseCommand(id, steps, options)),
    );
}
