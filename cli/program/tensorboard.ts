import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail tensorboard` */
export function addTensorboard(program: Command, finish: Finish): void {
  program
    .command('tensorboard <run>')
    .description('show where the event files of a run are, and how to look at them with TensorBoard')
    .addOption(jsonOption())
    .action(async (run, options) =>
      finish((await import('../commands/tensorboard.ts')).tensorboardCommand(run, options)),
    );
}
