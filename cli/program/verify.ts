import { type Command, InvalidArgumentError } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail verify` */
export function addVerify(program: Command, finish: Finish): void {
  program
    .command('verify <run>')
    .description('train an epoch again from the checkpoint before it, and compare every bit')
    .option('--step <id>', 'the training, where there are several')
    .option('--epoch <n>', 'the epoch; the newest without one', epochNumber)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/verify.ts')).verifyCommand(id, options)));
}

function epochNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}
