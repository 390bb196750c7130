import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/main.ts';
import { pages, sourcesIn } from './pages.ts';

/**
 * Every `contrail …` that the documentation or a message of the program names is given to the program's own parser, with
 * nothing behind it. A line of a block is taken as it stands; one within a sentence may leave arguments and values out.
 */
interface Mention {
  readonly where: string;
  readonly line: string;
  readonly isWhole: boolean;
}

const prompt = String.raw`(?:npx |npm run |\$ )?contrail(?: --)?`;

function mentionsIn({ name, text }: { readonly name: string; readonly text: string }): Mention[] {
  const lines = text.split('\n').map((line, index) => ({ line, where: `${name}:${index + 1}` }));
  const found = (pattern: RegExp, isWhole: boolean) =>
    lines.flatMap(({ line, where }) =>
      [...line.matchAll(pattern)].map(([, command = '']) => ({ where, line: command, isWhole })),
    );
  return [
    ...(name.endsWith('.md') ? found(new RegExp(`^(?: {4})?${prompt} (.*)`, 'g'), true) : []),
    ...found(new RegExp(`\`${prompt} ([^\`\\\\]+(?:\\\\\\|[^\`\\\\]+)*)\\\\?\``, 'g'), false),
  ];
}

/** The arguments of each command that a line stands for: `cache ls|rm` is two. */
function commandsOf(line: string): string[][] {
  const words = line
    .replace(/\s#.*$/, '')
    .replaceAll('\\|', '|')
    .replace(/\$\{[^}]*\}/g, 'x')
    .replace(/<([a-z]+)>\.<([a-z]+)>=<([a-z]+)>/g, '$1.$2=$3')
    // What is optional is there; what is left to the reader is a name.
    .replace(/\[(.*?)\]/g, '$1')
    .replace(/<[^>]*>/g, 'x')
    .match(/"[^"]*"|\S+/g);
  return (words ?? [])
    .map((word) => word.replace(/^"(.*)"$/, '$1'))
    .reduce<string[][]>(
      (commands, word) =>
        (word.includes('|') ? word.split('|') : [word]).flatMap((one) => commands.map((so) => [...so, one])),
      [[]],
    )
    .map((command) => command.filter((word) => word !== '…'));
}

/** The program with its own commands, options and checks of their values, that does nothing. */
function idleProgram(isWhole: boolean): Command {
  const program = buildProgram(() => {});
  const idle = (command: Command) => {
    command.configureOutput({ writeErr: () => {}, writeOut: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    if (!isWhole) {
      for (const argument of command.registeredArguments) argument.required = false;
      for (const option of command.options) {
        option.mandatory = false;
        if (option.required) [option.required, option.optional] = [false, true];
      }
    }
    command.commands.forEach(idle);
  };
  idle(program);
  return program;
}

/** What is wrong with a command line; null when nothing is. */
async function problemWith(command: readonly string[], isWhole: boolean): Promise<string | null> {
  try {
    await idleProgram(isWhole).parseAsync(command, { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // The name of a group, such as `contrail cache`, shows its help.
    return !isWhole && error.code === 'commander.help' ? null : error.message;
  }
}

const check = async (sources: Parameters<typeof mentionsIn>[0][]) => {
  const mentions = sources.flatMap(mentionsIn);
  const problems: string[] = [];
  for (const { where, line, isWhole } of mentions)
    for (const command of commandsOf(line)) {
      const problem = await problemWith(command, isWhole);
      if (problem) problems.push(`${where}: contrail ${line}: ${problem}`);
    }
  return { count: mentions.length, problems };
};

describe('command lines', () => {
  it('of the documentation are ones that the program takes', async () => {
    const { count, problems } = await check([...pages]);
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(70);
  });

  it("of the program's own messages are ones that it takes", async () => {
    const folders = [
      'cli',
      'activities',
      'workflows',
      'contracts',
      'pipelines',
      'store',
      'datasets',
      'training',
      'native',
    ];
    const { count, problems } = await check(sourcesIn(folders));
    expect(problems).toEqual([]);
    expect(count).toBeGreaterThan(40);
  });

  it('with an unknown command, option or value are found', async () => {
    const wrong = [
      'contrail begin pipeline.yaml',
      'contrail run --fast pipeline.yaml',
      'contrail setup --device tpu',
      'contrail models promote <run>',
    ];
    const { problems } = await check([{ name: 'wrong.md', text: wrong.map((line) => `    ${line}`).join('\n') }]);
    expect(problems.map((problem) => /error: (.*)/.exec(problem)?.[1])).toEqual([
      "unknown command 'begin'",
      "unknown option '--fast'",
      expect.stringContaining("argument 'tpu' is invalid"),
      expect.stringContaining("required option '--model <name>' not specified"),
    ]);
  });
});
