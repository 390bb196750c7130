import type { Command } from 'commander';
import { countFromOne, type Finish } from './options.ts';

/** `contrail worker` */
export function addWorker(program: Command, finish: Finish): void {
  program
    .command('worker')
    .description('serve task queues of a Temporal server')
    .option('--queue <name...>', 'task queues for steps (default: cpu and gpu)', [])
    .option('--slots <n>', 'steps at a time on each --queue', countFromOne, 1)
    .option('--own-steps', 'run programs and steps of your own too: whoever starts a run runs commands here', false)
    .action(async (options) => finish((await import('../commands/worker.ts')).workerCommand(options)));
}
