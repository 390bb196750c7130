import { type Command, InvalidArgumentError } from 'commander';
import { type Finish, portNumber } from './options.ts';

/** `contrail codec-server` */
export function addCodecServer(program: Command, finish: Finish): void {
  program
    .command('codec-server')
    .description("decrypt, for Temporal's UI on this machine, what CONTRAIL_PAYLOAD_KEYS encrypted")
    .option('--port <number>', 'the port; 0 takes a free one', portNumber, 8888)
    .option(
      '--ui-origin <url>',
      "where Temporal's UI is, such as https://temporal.example; may be repeated (default: that of `contrail dev`)",
      collectOrigin,
      [],
    )
    .action(async (options) => finish((await import('../commands/codec-server.ts')).codecServerCommand(options)));
}

/** As a browser says it: scheme, name and port. */
function collectOrigin(text: string, before: readonly string[]): readonly string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^https?:$/.test(url.protocol) || !['', '/'].includes(url.pathname) || url.search || url.username)
    throw new InvalidArgumentError('It must be an address such as https://temporal.example, without a path.');
  return [...before, url.origin];
}
