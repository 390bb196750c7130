import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail dataset …` */
export function addDataset(program: Command, finish: Finish): void {
  const dataset = program.command('dataset').description('the data that runs prepared');
  dataset
    .command('show <run>')
    .description('show what became of every file: used, left out, rejected and why, or ignored')
    .option('--step <id>', 'the step that made the data, where there are several')
    .option('--rejected', 'only the rejected files, all of them', false)
    .option('--class <name>', 'only this class')
    .addOption(jsonOption())
    .action(async (run, options) =>
      finish((await import('../commands/dataset/show.ts')).datasetShowCommand(run, options)),
    );
  dataset
    .command('forget <image>')
    .description(
      'remove an image from the store, by its path, its SHA-256 or the first digits of it, and say what was made with it',
    )
    .option('--dry-run', 'only say where it is', false)
    .option('--yes', 'do not ask', false)
    .addOption(jsonOption())
    .action(async (image, options) =>
      finish((await import('../commands/dataset/forget.ts')).datasetForgetCommand(image, options)),
    );
}
