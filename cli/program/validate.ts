import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** `contrail validate` */
export function addValidate(program: Command, finish: Finish): void {
  program
    .command('validate <pipeline>')
    .description('check a pipeline file')
    .addOption(setOption())
    .option('--no-code', 'run nothing of the pipeline: for YAML of strangers')
    .addOption(jsonOption())
    .action(async (file, options) => finish((await import('../commands/validate.ts')).validateCommand(file, options)));
}
