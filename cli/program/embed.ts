import { type Command, InvalidArgumentError, Option } from 'commander';
import { countFromOne, type Finish, jsonOption } from './options.ts';

/** `contrail embed` */
export function addEmbed(program: Command, finish: Finish): void {
  program
    .command('embed <run-and-images...>')
    .usage('[run] <folder|table> --to <file> [options]')
    .description(
      'embed every image of a folder or table with the encoder of a run, or of a promoted model, and write the embeddings; interrupted anywhere, it goes on',
    )
    .requiredOption('--to <file>', 'what to make: a .parquet, a .npy with the names in a .csv, or a folder')
    .option('--model <name>', 'the current model of that name, instead of a run')
    .option('--step <id>', 'the training or adapter of the run, where there are several')
    .addOption(
      new Option(
        '--labels <from>',
        'whether the folder of an image is its class; decided by the layout where absent',
      ).choices(['folder', 'none']),
    )
    .option('--image-column <name>', 'of a table: where the images stand')
    .option('--label-column <name>', 'of a table: where the classes stand')
    .option('--allow-urls', 'let the worker fetch images of a table that are URLs')
    .option('--maximum-rejected <files>', 'how many files may be unusable; any number where absent', wholeCount)
    .option('--shard-images <images>', 'images of one shard, which is what a kill costs', countFromOne)
    .option('--at-once <shards>', 'shards that are handed out at a time', countFromOne)
    .option('--queue <name>', 'the task queue of the shards; gpu where absent')
    .addOption(jsonOption())
    .action(async (words, options) => finish((await import('../commands/embed.ts')).embedCommand(words, options)));
}

function wholeCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}
