import { setImmediate as afterEvents } from 'node:timers/promises';
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { exitCodeOf } from '../contracts/errors.ts';
import { explained, hasCode } from '../contracts/system-errors.ts';
import { keepPrivate } from '../home/home.ts';
import { version } from '../native/root.mjs';
import { endCommandTrace, nameCommand } from './command-trace.ts';
import { forTerminal, say } from './output.ts';
import { groups } from './program/index.ts';

/** What these make is for everybody who uses this installation; and what goes where `--to` says is made as the umask says. */
const forOthers = ['setup', 'quickstart'];

/** Every command there is. `finish` is told the exit code. */
export function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('contrail')
    .description('Durable pipelines for supervised contrastive learning')
    .version(version())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(forTerminal(text)),
      writeErr: (text) => void process.stderr.write(forTerminal(text)),
    })
    .showHelpAfterError('(contrail --help shows what there is)');
  program.hook('preAction', (_, command) => {
    nameCommand(pathOf(command));
    if (!forOthers.includes(command.name()) && command.opts().to === undefined) keepPrivate();
  });

  for (const { title, declarations } of groups) {
    program.commandsGroup(`${title}:`);
    for (const declare of declarations) declare(program, (work) => work.then(finish));
  }
  program.commandsGroup('Help:').helpCommand('help [command]', 'display help for command');
  return program.addHelpText('after', `\nExamples:\n${examples()}`);
}

/** One command of each group, as it is typed. */
function examples(): string {
  const width = Math.max(...groups.map(({ example: [command] }) => command.length));
  return groups.map(({ example: [command, what] }) => `  ${command.padEnd(width)}  ${what}`).join('\n');
}

/** `contrail schedule trigger`: a command with those that it belongs to. */
const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();

/**
 * Runs a command.
 *
 * @param args what follows `contrail`
 * @returns the exit code: 2 for a mistake in what the user wrote, 1 for a failure, 130 after Ctrl-C
 */
export async function main(args: readonly string[]): Promise<number> {
  const exitCode = await runProgram(args);
  await endCommandTrace(exitCode);
  return exitCode;
}

async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  // A reader that left (`| head`, or a Ctrl-C that ended it first) is the end of following, but not before we have tidied up; nor
  // must a terminal that was closed end us before.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: unknown) => {
      if (hasCode(error, 'EPIPE')) {
        if (stream === process.stdout) process.emit('SIGPIPE');
      } else if (!hasCode(error, 'EIO')) {
        report(error);
        process.exit(1);
      }
    });
  const program = buildProgram((code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    report(error);
    return exitCodeOf(error);
  } finally {
    // A stream tells only now that what was printed could not be written, as on a disk that is full.
    await afterEvents();
  }
}

/** A user sees a sentence; a stack only for what nobody foresaw. */
function report(error: unknown): void {
  const known = explained(error);
  const cause = error instanceof Error && error.name === 'ServiceError' ? error.cause : undefined;
  if (known) say(`${pc.red('error')} ${known.message}`);
  else if (cause instanceof Object && 'details' in cause) say(`${pc.red('error')} Temporal refused: ${cause.details}`);
  else
    say(
      `${pc.red('error')} Something unforeseen went wrong: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
}
