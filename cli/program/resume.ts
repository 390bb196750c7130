import type { Command } from 'commander';
import { type Finish, jsonOption, setOption } from './options.ts';

/** `contrail resume` */
export function addResume(program: Command, finish: Finish): void {
  program
    .command('resume <run>')
    .description('go on with a run that failed or was cancelled, or with other params also one that completed')
    .addOption(setOption())
    .option('--accept-drift', 'go on although config, data, code or libraries are not what they were', false)
    .option('--detach', 'do not follow it', false)
    .addOption(jsonOption())
    .action(async (id, options) => finish((await import('../commands/resume.ts')).resumeCommand(id, options)));
}
