import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../cli/main.ts';
import { groups } from '../../cli/program/index.ts';

const program = buildProgram(() => {});
const help = () => {
  const parts: string[] = [];
  program.configureOutput({ writeOut: (part) => void parts.push(part) });
  program.outputHelp();
  return parts.join('');
};

describe('help', () => {
  it('shows every command in the group of its kind, and none beside', () => {
    const shown = [...help().matchAll(/^(\S.*):$/gm)].map(([, title]) => title);
    expect(shown).toEqual(['Options', ...groups.map(({ title }) => title), 'Help', 'Examples']);
  });

  it('fits a terminal of 80 columns', () => {
    expect(
      help()
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  it.each(groups.map(({ title, example: [command] }) => [title, command] as const))(
    'gives an example of %s: %s',
    (title, example) => {
      const [, name = ''] = example.split(' ');
      const command = program.commands.find((each) => each.name() === name);
      expect(command?.helpGroup()).toBe(`${title}:`);
      const options = example.match(/--[a-z]+/g) ?? [];
      expect(options.filter((option) => command?.options.every(({ long }) => long !== option))).toEqual([]);
    },
  );
});
