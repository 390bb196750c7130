import type { Command } from 'commander';
import { type Finish, jsonOption } from './options.ts';

/** `contrail doctor` */
export function addDoctor(program: Command, finish: Finish): void {
  program
    .command('doctor')
    .description('show the state of every part, and how to mend it')
    .addOption(jsonOption())
    .action(async (options) => finish((await import('../commands/doctor.ts')).doctorCommand(options)));
}
