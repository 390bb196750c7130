import { type Command, Option } from 'commander';
import { indexSettings, quantizationSchema } from '../../contracts/vector-index.ts';
import { collectNames, countFromOne, type Finish, jsonOption, share } from './options.ts';

const threadsOption = () =>
  new Option(
    '--threads <n>',
    'threads that build a graph; its bytes differ from build to build with several',
  ).argParser(countFromOne);

const prefixOption = () =>
  new Option(
    '--prefix <text>',
    'put before the name of each image, as `shop-a/`, so that images of other folders keep theirs (default: none)',
  );

const severalOption = (flags: string, what: string) =>
  new Option(flags, `${what}; may be repeated`).argParser(collectNames).default([], 'none');

/** `contrail index …` */
export function addVectorIndex(program: Command, finish: Finish): void {
  const index = program
    .command('index')
    .description('what look-alikes are searched in: each change is a new version of its model');
  index
    .command('build <model>')
    .description('build an index of the images that a run embedded')
    .option(
      '--from <run[/step]>',
      'the run, or its step, that embedded them with this model (default: the run of the model)',
    )
    .addOption(
      new Option('--method <name>', 'how it is searched (default: auto, which is exact up to 20,000 images)').choices(
        indexSettings.method.unwrap().options,
      ),
    )
    .option('--minimum-recall <share>', 'what an approximate search must find (default: 0.95)', share)
    .addOption(
      new Option('--quantization <name>', 'what is kept of each number (default: f16)').choices(
        quantizationSchema.options,
      ),
    )
    .option('--connectivity <n>', 'edges of each vector in the graph (default: 16)', countFromOne)
    .option('--expansion-add <n>', 'candidates for the edges of a vector (default: 128)', countFromOne)
    .addOption(prefixOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      finish((await import('../commands/index/build.ts')).indexBuildCommand(model, options)),
    );
  index
    .command('add <model> <from>')
    .description(
      'add the images of a folder or table, or those that a run embedded (run or run/step); newer ones take the place of those of their name',
    )
    .addOption(
      new Option('--labels <from>', 'of a folder: whether the folder of an image is its class').choices([
        'folder',
        'none',
      ]),
    )
    .addOption(prefixOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action(async (model, from, options) =>
      finish((await import('../commands/index/add.ts')).indexAddCommand(model, from, options)),
    );
  index
    .command('remove <model>')
    .description('remove images')
    .addOption(severalOption('--name <name>', 'an image, by its path or name'))
    .addOption(
      severalOption('--prefix <text>', 'all images whose name begins so, as of a folder that was added with it'),
    )
    .addOption(severalOption('--group <group>', 'all images of a group, as of a product'))
    .addOption(severalOption('--label <class>', 'all images of a class'))
    .addOption(jsonOption())
    .action(async (model, options) =>
      finish((await import('../commands/index/remove.ts')).indexRemoveCommand(model, options)),
    );
  index
    .command('show <model>')
    .description('show what is in it, how it is searched, and what it was made of')
    .option('--names [prefix]', 'list the names of its images, or of those that begin so')
    .addOption(jsonOption())
    .action(async (model, options) =>
      finish((await import('../commands/index/show.ts')).indexShowCommand(model, options)),
    );
}
