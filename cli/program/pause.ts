import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail pause` */
export function addPause(program: Command, finish: Finish): void {
  program
    .command('pause <run> [step...]')
    .description('start nothing new and stop trainings at a checkpoint; or only the steps named')
    .option('--reason <text>', 'shown with the run')
    .action(async (id, steps, options) =>
      finish((await import('../commands/pause.ts')).pauseCommand(id, steps, options)),
    );
}
