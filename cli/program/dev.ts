import type { Command } from 'commander';
import { type Finish, portNumber } from './options.ts';

/** `contrail dev` */
export function addDev(program: Command, finish: Finish): void {
  program
    .command('dev')
    .description('run a Temporal server and a worker on this machine until Ctrl-C')
    .option('--port <port>', 'port of the server (default: 7233, or a free one where that is taken)', portNumber)
    .option('--ui-port <port>', "port of Temporal's UI (default: 8233, or a free one)", portNumber)
    .option(
      '--metrics-port <port>',
      'the worker answers with metrics for Prometheus at this port of 127.0.0.1',
      portNumber,
    )
    .action(async (options) => finish((await import('../commands/dev.ts')).devCommand(options)));
}
