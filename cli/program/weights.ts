import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail weights …` */
export function addWeights(program: Command, finish: Finish): void {
  const weights = program.command('weights').description('weights from elsewhere, for a training to start from');
  weights
    .command('show <file>')
    .description('show of what network a safetensors file, or hf:org/name@revision, is, and its SHA-256')
    .option('--file <name>', 'of the repository; model.safetensors without one')
    .option('--tensors', 'also every tensor with its type and shape', false)
    .addOption(jsonOption())
    .action(async (file, options) =>
      finish((await import('../commands/weights/show.ts')).weightsShowCommand(file, options)),
    );
}
