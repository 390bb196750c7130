import { isIP } from 'node:net';
import { type Command, InvalidArgumentError } from 'commander';
import { collectNames, countFromOne, type Finish, portNumber } from './options.ts';

/** `contrail serve` */
export function addServe(program: Command, finish: Finish): void {
  program
    .command('serve [run]')
    .description('answer over HTTP: embeddings, look-alikes and classes of photos, and a page to try it')
    .option('--model <name>', 'the promoted model of this name, and each that is promoted later')
    .option('--step <id>', 'the training or adapter of the run, where there are several')
    .option('--port <number>', 'the port; 0 takes a free one', portNumber, 8484)
    .option('--host <address>', 'the address to listen on; off this machine a token is needed', '127.0.0.1')
    .option(
      '--allow-host <name>',
      'a name by which clients reach it, through a proxy say; may be repeated',
      collectNames,
      [],
    )
    .option(
      '--trust-proxy <address>',
      'a proxy, or its network, whose X-Forwarded-For says who asks; may be repeated',
      proxies,
      [],
    )
    .option(
      '--no-training-index',
      'serve a model without an index without look-alikes, not with the images that it was trained on',
    )
    .option('--tls-cert <file>', 'certificate with its chain, PEM')
    .option('--tls-key <file>', 'key of the certificate, PEM')
    .option(
      '--queue <photos>',
      'photos in work at a time, three quarters of them of one client; more are refused with 429',
      countFromOne,
      128,
    )
    .option('--batch <photos>', 'photos that are computed together, at most', countFromOne, 32)
    .option('--batch-wait <ms>', 'how long a photo waits for others', milliseconds, 5)
    .option('--timeout <seconds>', 'after this a request is answered with 504', countFromOne, 10)
    .option('--drain <seconds>', 'how long requests may take to finish when it stops', countFromOne, 20)
    .action(async (run, options) => finish((await import('../commands/serve.ts')).serveCommand(run, options)));
}

function proxies(text: string, before: readonly string[]): readonly string[] {
  const [address = '', bits, ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more.length > 0 || (bits !== undefined && !isPrefix(bits, family === 4 ? 32 : 128)))
    throw new InvalidArgumentError('It must be an address, such as 10.0.0.5, or a network, such as 10.0.0.0/24.');
  return [...before, text];
}

const isPrefix = (bits: string, most: number) => /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most;

function milliseconds(text: string): number {
  if (!/^\d{1,4}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number of milliseconds, at most 9999.');
  return Number(text);
}
