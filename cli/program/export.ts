import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail export` */
export function addExport(program: Command, finish: Finish): void {
  program
    .command('export [run]')
    .description(
      'write the encoder of a run, and its classifier, as a SavedModel and for ONNX Runtime, with a model card',
    )
    .requiredOption('--to <folder>', 'folder to make')
    .option('--model <name>', 'the current model of that name, instead of a run')
    .option('--step <id>', 'the pretrain step, where there are several')
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/export.ts')).exportCommand(id, options)));
}
