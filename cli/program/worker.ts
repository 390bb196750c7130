import type { Command } from 'commander';
import { collectNames, countFromOne, type Finish, portNumber } from './options.ts';

/** `contrail worker` */
export function addWorker(program: Command, finish: Finish): void {
  program
    .command('worker')
    .description('serve task queues of a Temporal server')
    .option('--queue <name...>', 'task queues for steps (default: cpu and gpu)', [])
    .option('--slots <n>', 'steps at a time on each --queue', countFromOne, 1)
    .option('--own-steps', 'run programs and steps of your own too: whoever starts a run runs commands here', false)
    .option(
      '--metrics-port <number>',
      'answer with metrics for Prometheus at this port; 0 takes a free one',
      portNumber,
    )
    .option('--metrics-host <address>', 'the address of the metrics (default: "127.0.0.1")')
    .option(
      '--metrics-allow-host <name>',
      'another name by which Prometheus reaches the metrics; may be repeated',
      collectNames,
      [],
    )
    .action(async (options) => finish((await import('../commands/worker.ts')).workerCommand(options)));
}
