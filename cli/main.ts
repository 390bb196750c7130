import { readFileSync } from 'node:fs';
import { setImmediate as afterEvents } from 'node:timers/promises';
import { Command, CommanderError, Option } from 'commander';
import pc from 'picocolors';
import { z } from 'zod';
import { exitCodeOf } from '../contracts/errors.ts';
import { explained, hasCode } from '../contracts/system-errors.ts';
import { keepPrivate } from '../home/home.ts';
import { forTerminal, say } from './output.ts';
import { addChanges } from './program/changes.ts';
import { addModels } from './program/models.ts';
import { changeOption, countFromOne, jsonOption, portNumber, runStates, setOption, since } from './program/options.ts';
import { addOutlook } from './program/outlook.ts';
import { addReport } from './program/report.ts';
import { addSchedule } from './program/schedule.ts';
import { addTensorboard } from './program/tensorboard.ts';

/** Commands are loaded when they are used: Temporal's client, say, takes longer to load than the rest to run. */
const setupCommands = () => import('./commands/setup.ts');
const runCommands = () => import('./commands/run.ts');
const controlCommands = () => import('./commands/control.ts');
const cacheCommands = () => import('./commands/cache.ts');
const inspectCommands = () => import('./commands/inspect.ts');

/** What these make is for everybody who uses this installation; and what goes where `--to` says is made as the umask says. */
const forOthers = ['setup', 'quickstart'];

const versionHere = () =>
  z.object({ version: z.string() }).parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))
    .version;

/** Every command there is. `finish` is told the exit code. */
export function buildProgram(finish: (code: number) => void): Command {
  const program = new Command('contrail')
    .description('Durable pipelines for supervised contrastive learning')
    .version(versionHere())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void process.stdout.write(forTerminal(text)),
      writeErr: (text) => void process.stderr.write(forTerminal(text)),
    })
    .showHelpAfterError('(contrail --help shows what there is)');
  const run = (work: Promise<number>) => work.then(finish);
  program.hook('preAction', (_, command) => {
    if (!forOthers.includes(command.name()) && command.opts().to === undefined) keepPrivate();
  });

  program
    .command('quickstart')
    .description('set up, train the quickstart pipeline, and show what came out')
    .addOption(jsonOption())
    .option('--keep', 'leave server and worker running', false)
    .action(async (options) => run((await import('./commands/quickstart.ts')).quickstartCommand(options)));
  program
    .command('setup')
    .description('fetch and build what is missing')
    .addOption(
      new Option('--device <device>', 'what TensorFlow computes on').choices(['auto', 'cpu', 'gpu']).default('auto'),
    )
    .action(async (options) => run((await setupCommands()).setupCommand(options)));
  program
    .command('doctor')
    .description('show the state of every part, and how to mend it')
    .addOption(jsonOption())
    .action(async (options) => run((await setupCommands()).doctorCommand(options)));
  program
    .command('dev')
    .description('run a Temporal server and a worker on this machine until Ctrl-C')
    .option('--port <port>', 'port of the server (default: 7233, or a free one where that is taken)', portNumber)
    .option('--ui-port <port>', "port of Temporal's UI (default: 8233, or a free one)", portNumber)
    .action(async (options) => run((await import('./commands/dev.ts')).devCommand(options)));
  program
    .command('worker')
    .description('serve task queues of a Temporal server')
    .option('--queue <name...>', 'task queues for steps (default: cpu and gpu)', [])
    .option('--slots <n>', 'steps at a time on each --queue', countFromOne, 1)
    .option('--own-steps', 'run programs and steps of your own too: whoever starts a run runs commands here', false)
    .action(async (options) => run((await import('./commands/worker.ts')).workerCommand(options)));
  program
    .command('validate <pipeline>')
    .description('check a pipeline file')
    .addOption(setOption())
    .option('--no-code', 'run nothing of the pipeline: for YAML of strangers')
    .addOption(jsonOption())
    .action(async (file, options) => run((await runCommands()).validateCommand(file, options)));
  program
    .command('schema [pipeline]')
    .description('print the JSON Schema of pipelines for editors; of one, with its steps of your own')
    .option('--no-code', 'run nothing of the pipeline: what is given to steps of your own is not checked')
    .action(async (file, options) => run((await import('./commands/schema.ts')).schemaCommand(file, options)));
  program
    .command('graph <pipeline|run>')
    .description('draw the steps of a pipeline, or of a run with their states')
    .addOption(new Option('--format <format>', 'how').choices(['text', 'mermaid', 'svg']).default('text'))
    .option('--to <file>', 'write it there')
    .addOption(setOption())
    .action(async (what, options) => run((await import('./commands/graph.ts')).graphCommand(what, options)));
  program
    .command('run <pipeline>')
    .description('start a run and follow it')
    .addOption(setOption())
    .option('--id <run>', 'name the run')
    .option('--detach', 'do not follow it', false)
    .option('--no-cache', 'do every step, whatever earlier runs left')
    .addOption(jsonOption())
    .action(async (file, options) => run((await runCommands()).runCommand(file, options)));
  program
    .command('watch <run>')
    .description('follow a run')
    .addOption(jsonOption())
    .action(async (id, options) => run((await runCommands()).watchCommand(id, options)));
  program
    .command('list')
    .description('show the runs, newest first')
    .addOption(new Option('--state <state...>', 'only runs in these states').choices(runStates))
    .option('--pipeline <name>', 'only runs of this pipeline')
    .option('--since <time>', 'only runs started since: 2h, 7d, or 2026-11-01', since)
    .option('--limit <n>', 'at most so many', countFromOne, 100)
    .option('--query <text>', "a condition in Temporal's own words: \"ContrailStage = 'pretrain'\"")
    .addOption(jsonOption())
    .action(async (options) => run((await import('./commands/list.ts')).listCommand(options)));
  program
    .command('status <run>')
    .description('show the state of every step')
    .addOption(jsonOption())
    .action(async (id, options) => run((await import('./commands/status.ts')).statusCommand(id, options)));
  program
    .command('cancel <run>')
    .description('stop a run after a checkpoint')
    .option('--wait', 'until it has stopped', false)
    .action(async (id, options) => run((await inspectCommands()).cancelCommand(id, options)));
  program
    .command('terminate <run>')
    .description('end a run at once, without a checkpoint; it can be resumed')
    .option('--yes', 'do not ask', false)
    .action(async (id, options) => run((await controlCommands()).terminateCommand(id, options)));
  program
    .command('pause <run> [step...]')
    .description('start nothing new and stop trainings at a checkpoint; or only the steps named')
    .option('--reason <text>', 'shown with the run')
    .action(async (id, steps, options) => run((await controlCommands()).pauseCommand(id, steps, options)));
  program
    .command('unpause <run> [step...]')
    .description('let a paused run, or steps that wait for a person, go on')
    .addOption(changeOption())
    .action(async (id, steps, options) => run((await controlCommands()).unpauseCommand(id, steps, options)));
  program
    .command('approve <run> <step>')
    .description('agree to a step that waits for a person, or reject it')
    .requiredOption('--as <name>', 'who decides; recorded, with the user and the machine')
    .option('--reason <text>', 'recorded with it')
    .option('--reject', 'do not agree: the step fails', false)
    .action(async (id, step, options) =>
      run((await import('./commands/approve.ts')).approveCommand(id, step, options)),
    );
  program
    .command('retry <run> <step>')
    .description('do a step again, and what follows it')
    .option('--detach', 'do not follow the run', false)
    .addOption(jsonOption())
    .action(async (id, step, options) => run((await controlCommands()).retryCommand(id, step, options)));
  const cache = program.command('cache').description('results of steps that other runs can take');
  cache
    .command('ls')
    .description('show the results')
    .addOption(jsonOption())
    .action(async (options) => run((await cacheCommands()).cacheListCommand(options)));
  cache
    .command('rm [key...]')
    .description('forget results, by the beginning of their key')
    .option('--all', 'forget all', false)
    .action(async (keys, options) => run((await cacheCommands()).cacheRemoveCommand(keys, options)));
  cache
    .command('gc')
    .description('remove results without artifacts, and artifacts that no run, result or model names')
    .option('--dry-run', 'only say what would go', false)
    .addOption(jsonOption())
    .action(async (options) => run((await cacheCommands()).cacheCollectCommand(options)));
  program
    .command('checkpoints <run>')
    .description('show the checkpoints of a run, and whether they verify')
    .addOption(jsonOption())
    .action(async (id, options) => run((await inspectCommands()).checkpointsCommand(id, options)));
  program
    .command('export [run]')
    .description('write the encoder of a run, and its classifier, as a SavedModel with a model card')
    .requiredOption('--to <folder>', 'folder to make')
    .option('--model <name>', 'the current model of that name, instead of a run')
    .option('--step <id>', 'the pretrain step, where there are several')
    .addOption(jsonOption())
    .action(async (id, options) => run((await import('./commands/export.ts')).exportCommand(id, options)));
  addChanges(program, run);
  addOutlook(program, run);
  addSchedule(program, run);
  addModels(program, run);
  addReport(program, run);
  addTensorboard(program, run);
  return program;
}

/**
 * Runs a command.
 *
 * @param args what follows `contrail`
 * @returns the exit code: 2 for a mistake in what the user wrote, 1 for a failure, 130 after Ctrl-C
 */
export async function main(args: readonly string[]): Promise<number> {
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
