import { describe, expect, it } from 'vitest';
import { type CodeFiles, type CodeRequest, readPipeline } from '../../pipelines/language/index.ts';

const code = { kind: 'code' as const, digest: 'c'.repeat(64) };

/** What is said of a pipeline whose step `clean` has these parameters; the first line of them is line 5. */
function read(parameters: string, { more = '', find }: { readonly more?: string; readonly find?: CodeFiles } = {}) {
  const indented = parameters.replaceAll(/^/gm, '      ');
  const text = `name: test
steps:
  data: { uses: prepare-data, with: { dataset: generated } }
  clean: { uses: run, with: {
${indented}
      } }
${more}`;
  return readPipeline({ text, file: 'p.yaml' }, {}, find ? { own: { code: find } } : {});
}
const problems = (parameters: string, more?: string) =>
  read(parameters, more === undefined ? {} : { more }).problems.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  );

describe('a step that runs a program', () => {
  it('is planned with its needs, its defaults and its files', () => {
    const asked: CodeRequest[] = [];
    const find: CodeFiles = (request) => {
      asked.push(request);
      return { code };
    };
    const { plan } = read(
      `command: [python3, clean.py, --in, "\${inputs.data}", --out, "\${outputs.cleaned}"],
inputs: { data: "\${steps.data.result.dataset}" },
outputs: { cleaned: { folder: out } },
sources: ["lib/**"]`,
      { find },
    );
    const clean = plan?.steps.find(({ id }) => id === 'clean');
    expect(clean).toMatchObject({ uses: 'run', needs: ['data'], queue: 'cpu', retry: { maximumAttempts: 3 }, code });
    expect(asked).toEqual([{ command: ['python3', 'clean.py', '--in', '--out'], sources: ['lib/**'] }]);
  });

  it('gives its outputs and the declared fields of its result to others, and nothing else', () => {
    const given = (field: string, result = ', result: { rows: number }') =>
      problems(
        `command: [x], outputs: { cleaned: { folder: out } }${result}`,
        `  next: { uses: run, with: { command: [y, "\${steps.clean.result.${field}}"] } }`,
      );
    expect(given('rows')).toEqual([]);
    expect(given('row')).toEqual(['7:43 a run step has no result row; did you mean rows?']);
    expect(given('anything', '')).toEqual([]);
    expect(
      problems(
        'command: [x], outputs: { cleaned: { folder: out } }, result: { rows: number }',
        '  next: { uses: run, with: { command: [y], inputs: { a: "${steps.clean.result.cleaned}", b: "${steps.clean.result.rows}" } } }',
      ),
    ).toEqual(['7:93 b must be an artifact of a step, such as ${steps.<id>.result.dataset}']);
  });

  it.each([
    [
      'a place that is not declared',
      'command: [x, "${inputs.dat}"], inputs: { data: "${steps.data.result.dataset}" }',
      '5:20 the step has no dat among its inputs; did you mean data?',
    ],
    ['an output that is not declared', 'command: [x, "${outputs.out}"]', '5:20 the step has no out among its outputs'],
    [
      'a place outside command and env',
      'command: [x], sources: ["${inputs.data}"]',
      '5:31 ${inputs.…} is for command and env of steps that use run',
    ],
    [
      'a path that leads out',
      'command: [x], outputs: { a: { folder: ../out } }',
      /5:\d+ .*must be a path inside its folder/,
    ],
    [
      'an absolute path',
      'command: [x], outputs: { a: { file: /etc/passwd } }',
      /5:\d+ .*must be a path inside its folder/,
    ],
    [
      'two outputs at one place',
      'command: [x], outputs: { a: { folder: out }, b: { file: out/b } }',
      /5:\d+ b and a are at the same place, or one in the other/,
    ],
    [
      'a field that is an output',
      'command: [x], outputs: { a: { folder: out } }, result: { a: number }',
      /5:\d+ a is an output already/,
    ],
    ['a variable of ours', 'command: [x], env: { CONTRAIL_RESULT: x }', /5:\d+ .*must not begin with CONTRAIL_/],
    [
      'a shell that reads a result',
      'command: ["echo ${steps.data.result.name}"], shell: true',
      /5:\d+ a result must not stand in the text of a shell/,
    ],
    [
      'a shell that reads a place',
      'command: ["cat ${inputs.data}"], shell: true, inputs: { data: "${steps.data.result.dataset}" }',
      /5:\d+ in the text of a shell, write "\$CONTRAIL_INPUT_DATA"/,
    ],
    ['a shell with words', 'command: [echo, x], shell: true', /5:\d+ with shell, command must be one text/],
    ['an exit code that is success', 'command: [x], noRetry: [0]', /5:\d+ /],
    ['brackets too many', 'command: [[x]]', /5:\d+ must be text, a number, true or false; only a reference/],
    ['a mapping as a variable', 'command: [x], env: { A: { b: 1 } }', /5:\d+ must be text, a number, true or false/],
    ['no command', 'env: { A: b }', /command is missing|command/],
  ])('is refused with %s', (_, parameters, message) => {
    const found = problems(parameters);
    expect(found).toHaveLength(1);
    if (typeof message === 'string') expect(found[0]).toMatch(message.split(';')[0] ?? '');
    else expect(found[0]).toMatch(message);
  });

  it('says at its place which of the sources is not there', () => {
    const find: CodeFiles = ({ sources }) =>
      sources.length > 0 ? { problem: 'there is no such file', source: 1 } : { code: null };
    const { problems: found } = read('command: [x], sources: [a.py, b.py]', { find });
    expect(found).toMatchObject([{ line: 5, column: 37, message: 'there is no such file' }]);
  });
});
