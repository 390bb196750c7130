import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/main.ts';
import { type Page, pages, sources } from './pages.ts';

/** A command line that the documentation shows; one within a sentence may leave out what the sentence is not about. */
interface Shown {
  readonly place: string;
  readonly line: string;
  readonly isWhole: boolean;
}

const before = String.raw`(?:\$ )?(?:[A-Z_]+=\S+ )*(?:npx contrail|node cli/contrail\.mjs|npm run contrail --|contrail)`;

const shown: readonly Shown[] = pages.flatMap(({ name, text }) => {
  const placeOf = (index: number) => `${name}:${text.slice(0, index).split('\n').length}`;
  const inBlocks = [...text.matchAll(new RegExp(`^(?: {4})?${before} ([a-z].*?)(?: +#.*)?$`, 'gm'))]
    .filter(({ index }) => isInBlock(text, index))
    .map(({ index, 1: line = '' }) => ({ place: placeOf(index), line, isWhole: true }));
  const inSentences = [...text.matchAll(new RegExp(`(?<!\`)\`${before}\\s+([a-z][^\`]*)\``, 'g'))].map(
    ({ index, 1: line = '' }) => ({ place: placeOf(index), line: line.replaceAll(/\s+/g, ' '), isWhole: false }),
  );
  // In a table of commands the first of a cell names the program, and the others go without.
  const inCells = [...text.matchAll(/^\| `contrail [^|]*?`, (`[a-z].*?) +\|/gm)].flatMap(({ index, 1: rest = '' }) =>
    [...rest.matchAll(/`([^`]+)`/g)].map(([, line = '']) => ({ place: placeOf(index), line, isWhole: false })),
  );
  return [...inBlocks, ...inSentences, ...inCells];
});

/** Whether a place is in a fenced or an indented block. */
function isInBlock(text: string, index: number): boolean {
  const fences = text.slice(0, index).match(/^```/gm)?.length ?? 0;
  return fences % 2 === 1 || text.startsWith('    ', index);
}

/** The command lines that a line with `a|b`, `[c]`, `<d>` and `…` stands for, each as words. */
function commandLines(line: string): string[][] {
  const words =
    line
      .replaceAll('\\|', '|')
      .replaceAll(/[[\]…]/g, '')
      .split(/ [|>] /)[0]
      ?.match(/(?:<[^>]*>|"[^"]*"|'[^']*'|[^\s"'<>])+/g) ?? [];
  return words.reduce<string[][]>(
    (lines, word) => {
      const choices = /^[a-z-]+(\|[a-z-]+)+$/.test(word) ? word.split('|') : [word.replaceAll(/["']/g, '')];
      return lines.flatMap((each) => choices.map((choice) => [...each, choice]));
    },
    [[]],
  );
}

/** The real program, whose commands do nothing. */
function idleProgram(isWhole: boolean): Command {
  const quiet = (command: Command) => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    for (const option of command.options) if (!isWhole) option.mandatory = false;
    for (const argument of command.registeredArguments) if (!isWhole) argument.required = false;
    command.commands.forEach(quiet);
  };
  const program = buildProgram(() => {});
  quiet(program);
  return program;
}

/** What is wrong with a command line; null where nothing is. */
function problemWith(words: readonly string[], isWhole: boolean): string | null {
  try {
    idleProgram(isWhole).parse(words, { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isHelp = error.exitCode === 0 || (!isWhole && error.code === 'commander.help');
    return isHelp || (!isWhole && error.code === 'commander.optionMissingArgument') ? null : error.message;
  }
}

/** What a message of the program names; values that are put in stand for themselves. */
const inMessages = ({ name, text }: Page): Shown[] =>
  [...text.matchAll(new RegExp(`\\\\?\`${before} ([a-z][^\`]*)\``, 'g'))].map(({ index, 1: line = '' }) => ({
    place: `${name}:${text.slice(0, index).split('\n').length}`,
    line: line
      .replace(/\\$/, '')
      .replaceAll(/\$\{[^}]*\}/g, 'x')
      .replace('<step>.<path>=<value>', 'step.path=value'),
    isWhole: false,
  }));

const problemsOf = (lines: readonly Shown[]) =>
  lines.flatMap(({ place, line, isWhole }) =>
    commandLines(line).flatMap((words) => {
      const problem = problemWith(words, isWhole);
      return problem === null ? [] : [`${place}: contrail ${words.join(' ')}: ${problem}`];
    }),
  );

describe('command lines in the documentation', () => {
  it('are there', () => {
    expect(shown.filter(({ isWhole }) => isWhole).length).toBeGreaterThanOrEqual(10);
    expect(shown.length).toBeGreaterThanOrEqual(60);
  });

  it('are those of the program', () => expect(problemsOf(shown)).toEqual([]));

  it('and those in messages of the program and in its comments, too', () => {
    const lines = sources.flatMap(inMessages);
    expect(lines.length).toBeGreaterThan(40);
    expect(problemsOf(lines)).toEqual([]);
  });

  it('would be found out otherwise', () => {
    for (const line of [
      'runn p.yaml',
      'run p.yaml --sett a=1',
      'schedule start x',
      'setup --device tpu',
      'list --limit x',
    ])
      expect(problemWith(commandLines(line)[0] ?? [], false), line).not.toBeNull();
    expect(problemWith(['fork', 'a'], true)).toMatch(/--from/);
    expect(commandLines('models promote\\|rollback <run> …')).toEqual([
      ['models', 'promote', '<run>'],
      ['models', 'rollback', '<run>'],
    ]);
  });
});
