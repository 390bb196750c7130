import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail set` */
export function addSet(program: Command, finish: Finish): void {
  program
    .command('set <run> <step.path=value>')
    .description('change a parameter of a step that has not begun, or of a running training: pretrain.epochs=80')
    .action(async (id, change) => finish((await import('../commands/set.ts')).setCommand(id, change)));
}
