import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail watch` */
export function addWatch(program: Command, finish: Finish): void {
  program
    .command('watch <run>')
    .description('follow a run')
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/watch.ts')).watchCommand(id, options)));
}
