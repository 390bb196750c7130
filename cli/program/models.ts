import { type Command, Option } from 'commander';
import { promotionMetricSchema } from '../../contracts/models.ts';
import { type Finish, jsonOption, share, wholeNumber } from './options.ts';

/** `contrail models …` */
export function addModels(program: Command, finish: Finish): void {
  const models = program.command('models').description('the models that runs were promoted to');
  models
    .command('ls')
    .description('show the current model of each name')
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/models/ls.ts')).modelsListCommand(options)));
  models
    .command('show <name>')
    .description('show every version of a model')
    .addOption(jsonOption())
    .action(async (name, options) =>
      finish((await import('../commands/models/show.ts')).modelsShowCommand(name, options)),
    );
  models
    .command('promote <run>')
    .description('make the model of a run the current one, if it is better')
    .requiredOption('--model <name>', 'the name')
    .option('--step <id>', 'the evaluate or retrieval step, where there are several')
    .addOption(
      new Option('--metric <name>', 'what decides: a measure of an evaluation, or recallAt1 or mapAtR of a retrieval')
        .choices(promotionMetricSchema.options)
        .default('top1'),
    )
    .option('--margin <difference>', 'by how much it must be better', share, 0)
    .option(
      '--minimum-images <n>',
      'where test images were trained on: the fewest others to compare on',
      wholeNumber,
      30,
    )
    .option('--unknown-overlap', 'compare also where it is not known what a model was trained on', false)
    .option('--force', 'whatever the comparison says', false)
    .addOption(jsonOption())
    .action(async (run, options) =>
      finish((await import('../commands/models/promote.ts')).modelsPromoteCommand(run, options)),
    );
  models
    .command('rollback <name>')
    .description('go back to an earlier model')
    .option('--to <version>', 'the version (default: the model before the current one)', wholeNumber)
    .addOption(jsonOption())
    .action(async (name, options) =>
      finish((await import('../commands/models/rollback.ts')).modelsRollbackCommand(name, options)),
    );
}
