import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail store …` */
export function addStore(program: Command, finish: Finish): void {
  const store = program.command('store').description('the store as a whole');
  store
    .command('check')
    .description('read every artifact and checkpoint, and compare them with their manifests')
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/store/check.ts')).storeCheckCommand(options)));
  store
    .command('copy <from> <to>')
    .description('copy a store into another, each a folder or a URL; goes on where it was interrupted')
    .addOption(jsonOption())
    .action(async (from, to, options) =>
      finish((await import('../commands/store/copy.ts')).storeCopyCommand(from, to, options)),
    );
}
