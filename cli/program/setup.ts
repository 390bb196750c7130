import { type Command, Option } from 'commander';
import type { Finish } from './options.ts';

/** `contrail setup` */
export function addSetup(program: Command, finish: Finish): void {
  program
    .command('setup')
    .description('fetch and build what is missing')
    .addOption(
      new Option('--device <device>', 'what TensorFlow computes on').choices(['auto', 'cpu', 'gpu']).default('auto'),
    )
    .action(async (options) => finish((await import('../commands/setup.ts')).setupCommand(options)));
}
