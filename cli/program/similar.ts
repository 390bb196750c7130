import type { Command } from 'commander';
import { photoArguments, photoOptions, photoUsage } from '../photo-options.ts';
import { countFromOne, type Finish, jsonOption, replaceOption } from './options.ts';

/** `contrail similar` */
export function addSimilar(program: Command, finish: Finish): void {
  const command = program
    .command('similar')
    .argument(...photoArguments)
    .usage(photoUsage)
    .description("find look-alikes of photos in the model's index, or among the images that it was trained on")
    .option('--k <n>', 'look-alikes of each photo', countFromOne, 10)
    .option('--to <file>', 'write a page with pictures there, which needs nothing else')
    .addOption(replaceOption())
    .addOption(jsonOption());
  for (const option of photoOptions()) command.addOption(option);
  command.action(async (names, options) =>
    finish((await import('../commands/similar.ts')).similarCommand(names, options)),
  );
}
