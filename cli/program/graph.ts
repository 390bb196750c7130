import { type Command, Option } from 'commander';
import { type Finish, replaceOption, setOption } from './options.ts';

/** `contrail graph` */
export function addGraph(program: Command, finish: Finish): void {
  program
    .command('graph <pipeline|run>')
    .description('draw the steps of a pipeline, or of a run with their states')
    .addOption(new Option('--format <format>', 'how').choices(['text', 'mermaid', 'svg']).default('text'))
    .option('--to <file>', 'write it there')
    .addOption(replaceOption())
    .addOption(setOption())
    .action(async (what, options) => finish((await import('../commands/graph.ts')).graphCommand(what, options)));
}
