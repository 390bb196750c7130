import { type Command, Option } from 'commander';
import { countFromOne, type Finish, jsonOption, runStates, since } from './options.ts';

/** `contrail list` */
export function addList(program: Command, finish: Finish): void {
  program
    .command('list')
    .description('show the runs, newest first')
    .addOption(new Option('--state <state...>', 'only runs in these states').choices(runStates))
    .option('--pipeline <name>', 'only runs of this pipeline')
    .option('--since <time>', 'only runs started since: 2h, 7d, or 2026-11-01', since)
    .option('--limit <n>', 'at most so many', countFromOne, 100)
    .option('--query <text>', "a condition in Temporal's own words: \"ContrailStage = 'pretrain'\"")
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/list.ts')).listCommand(options)));
}
