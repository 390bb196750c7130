import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** `contrail run` */
export function addRun(program: Command, finish: Finish): void {
  program
    .command('run <pipeline>')
    .description('start a run and follow it')
    .addOption(setOption())
    .option('--id <run>', 'name the run')
    .option('--detach', 'do not follow it', false)
    .option('--no-cache', 'do every step, whatever earlier runs left')
    .addOption(jsonOption())
    .action(async (file, options) => finish((await import('../commands/run.ts')).runCommand(file, options)));
}
