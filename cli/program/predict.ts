import type { Command } from 'commander';
import { photoArguments, photoOptions, photoUsage } from '../photo-options.ts';
import { countFromOne, type Finish, jsonOption, replaceOption } from './options.ts';

/** `contrail predict` */
export function addPredict(program: Command, finish: Finish): void {
  const command = program
    .command('predict')
    .argument(...photoArguments)
    .usage(photoUsage)
    .description('say what photos show: the class, how sure that is, and whether the model knows such images at all')
    .option('--top <n>', 'labels of each photo, the likeliest first', countFromOne, 3)
    .option('--csv', 'a table for spreadsheets', false)
    .addOption(jsonOption())
    .option('--to <file>', 'write it there; a name in .csv or .json says which')
    .addOption(replaceOption());
  for (const option of photoOptions()) command.addOption(option);
  command.action(async (names, options) =>
    finish((await import('../commands/predict.ts')).predictCommand(names, options)),
  );
}
