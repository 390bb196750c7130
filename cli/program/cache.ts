import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail cache …` */
export function addCache(program: Command, finish: Finish): void {
  const cache = program.command('cache').description('results of steps that other runs can take');
  cache
    .command('ls')
    .description('show the results')
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/cache/ls.ts')).cacheListCommand(options)));
  cache
    .command('rm [key...]')
    .description('forget results, by the beginning of their key')
    .option('--all', 'forget all', false)
    .action(async (keys, options) =>
      finish((await import('../commands/cache/rm.ts')).cacheRemoveCommand(keys, options)),
    );
  cache
    .command('gc')
    .description('remove results without artifacts, and artifacts that no run, result or model names')
    .option('--dry-run', 'only say what would go', false)
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/cache/gc.ts')).cacheCollectCommand(options)));
}
