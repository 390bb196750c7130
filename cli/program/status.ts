import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail status` */
export function addStatus(program: Command, finish: Finish): void {
  program
    .command('status <run>')
    .description('show the state of every step')
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/status.ts')).statusCommand(id, options)));
}
