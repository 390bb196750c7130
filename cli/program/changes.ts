import { type Command, InvalidArgumentError } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** Commands that go on with a run in another way, begin one from another, or check one. */
export function addChanges(program: Command, finish: Finish): void {
  program
    .command('resume <run>')
    .description('go on with a run that failed or was cancelled, or with other params also one that completed')
    .addOption(setOption())
    .option('--accept-drift', 'go on although config, data, code or libraries are not what they were', false)
    .option('--detach', 'do not follow it', false)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/resume.ts')).resumeCommand(id, options)));
  program
    .command('fork <run>')
    .description('start a new run from a checkpoint of another')
    .requiredOption('--from <step[@epoch]>', 'the training, and the end of an epoch of it; the newest without one')
    .addOption(setOption())
    .option('--id <run>', 'name the new run')
    .option('--detach', 'do not follow it', false)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/fork.ts')).forkCommand(id, options)));
  program
    .command('verify <run>')
    .description('train an epoch again from the checkpoint before it, and compare every bit')
    .option('--step <id>', 'the training, where there are several')
    .option('--epoch <n>', 'the epoch; the newest without one', epochNumber)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/verify.ts')).verifyCommand(id, options)));
  program
    .command('rm <run...>')
    .description('remove runs that have ended from the store')
    .option('--dry-run', 'only say what would go', false)
    .option('--yes', 'do not ask', false)
    .addOption(jsonOption())
    .action(async (runs, options) => finish((await import('../commands/rm.ts')).removeCommand(runs, options)));
  program
    .command('set <run> <step.path=value>')
    .description('change a parameter of a step that has not begun, or of a running training: pretrain.epochs=80')
    .action(async (id, change) => finish((await import('../commands/set.ts')).setCommand(id, change)));
}

function epochNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
