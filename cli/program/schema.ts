import type { Command } from 'commander';
import type { Finish } from './options.ts';

/** `contrail schema` */
export function addSchema(program: Command, finish: Finish): void {
  program
    .command('schema [pipeline]')
    .description('print the JSON Schema of pipelines for editors; of one, with its steps of your own')
    .option('--no-code', 'run nothing of the pipeline: what is given to steps of your own is not checked')
    .action(async (file, options) => finish((await import('../commands/schema.ts')).schemaCommand(file, options)));
}
