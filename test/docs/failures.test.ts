import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { interruptedCode } from '../../cli/interrupt.ts';
import { ContrailError, type ErrorKind, errorCodes, errorKinds, exitCodeOf } from '../../contracts/errors.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

describe('docs/failures.md', () => {
  it('says of every code what it means, whether it is tried again, and what to do', () => {
    const rows = page('failures.md').match(/^\| `[A-Z]\w+` \|.*$/gm);
    const expected = Object.entries<ErrorKind>(errorKinds).map(
      ([code, { means, remedy, retried, until }]) =>
        `| \`${code}\` | ${means} | ${retried ? `yes${until ? `, until ${until}` : ''}` : 'no'} | ${remedy} |`,
    );
    expect(rows).toEqual(expected);
  });
});

describe('docs/running.md', () => {
  it('has the exit codes that commands end with', () => {
    const section = page('running.md').split('## Exit codes')[1]?.split('\n## ')[0] ?? '';
    const codes = [...section.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    const failures = errorCodes.map((code) => exitCodeOf(new ContrailError(code, '')));
    expect(codes).toEqual([...new Set([0, ...failures.sort(), interruptedCode])]);
  });
});
