import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** `contrail fork` */
export function addFork(program: Command, finish: Finish): void {
  program
    .command('fork <run>')
    .description('start a new run from a checkpoint of another')
    .requiredOption('--from <step[@epoch]>', 'the training, and the end of an epoch of it; the newest without one')
    .addOption(setOption())
    .option('--id <run>', 'name the new run')
    .option('--detach', 'do not follow it', false)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/fork.ts')).forkCommand(id, options)));
}
