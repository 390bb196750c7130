import { bytesOfText, type Target, textOfBytes, Violation } from '../engine/target.ts';

const expressions = [
  'params.epochs > 2 && steps.data.result.counts.train >= 10',
  "steps.pre-train.state == 'done' || !(run.resumed)",
  "params.names.exists(n, n.startsWith('a')) ? matrix.rate * 2.0 < 1 : false",
  "steps.probe.result.classes.all(c, c.top1 > 0.5 && c.name.matches('^[a-z]+(-[0-9]{2,4})?$'))",
  "size(params.names) in [1, 2, 3] && 'a' in params.names && has(steps.data.result.counts)",
  "timestamp('2026-01-01T00:00:00Z').getFullYear('Europe/Berlin') == 2026 && duration('1h') > duration('1m')",
  "params.names.map(n, n + 'x').filter(n, n.size() > 1).join(',').split(',').size() == 2",
  "cel.bind(x, params.epochs, x * x > 3) && double('1.5') + 1 == 2.5 && int('3') % 2 == 1",
  `{"a": [1, 2], "b": params.deep}.a[0] == 1 && b"\\x00" != b'' && params.deep.a.b.c == null`,
  "steps['data'].result['counts']['train'] != 0 && r'\\d' == '\\\\d' && '\\u00e9'.lowerAscii() == 'é'",
];

const state = 'done' as const;

/** Conditions, by themselves and in the \`when\` of a step. */
export const conditions: Target = {
  name: 'conditions',
  reads: 'expressions of `when` (CEL): checked and evaluated',
  form: 'text',
  tokens: [
    ...[
      'params',
      'steps',
      'matrix',
      'run',
      '.result',
      '.state',
      '.states',
      'data',
      'pre-train',
      'in',
      '&&',
      '||',
      '!',
      '?:',
    ],
    ...[
      '.all(x, ',
      '.exists(x, ',
      '.exists_one(x, ',
      '.map(x, ',
      '.filter(x, ',
      'has(',
      'size(',
      ".matches('",
      '.split(',
    ],
    ...['cel.bind(', 'timestamp(', 'duration(', 'int(', 'uint(', 'string(', 'bytes(', 'type(', 'dyn(', 'double(', '1u'],
    ...[
      '(a+)+$',
      '(?=a)',
      '\\1',
      '[[:alpha:]]',
      'a{1000}',
      '(?i)',
      '\\p{L}',
      '(a|aa)*',
      '.*.*.*',
      '0x1f',
      '-9223372036854775808',
    ],
    ...[
      '.getHours()',
      '.format(',
      '.replace(',
      '.charAt(',
      '.indexOf(',
      '.substring(',
      '[0]',
      '[?0]',
      '.?a',
      'optional.of(',
    ],
  ],
  mostBytes: 8 * 2 ** 10,
  open: async () => {
    const { evaluateWhen, readPipelineValue } = await import('../../../pipelines/language/index.ts');
    const { newWhenBudget } = await import('../../../pipelines/language/expressions/when.ts');
    const context = {
      params: { epochs: 3, names: ['a', 'b', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'], deep: { a: { b: { c: null } } } },
      matrix: { seed: 1, rate: 0.1 },
      steps: {
        data: { state, result: { counts: { train: 100, test: 20 } } },
        'pre-train': { state, result: { loss: 0.5 } },
        probe: { state, states: [state, state], result: { classes: [{ name: 'coat-12', top1: 0.9 }] } },
      },
      run: { resumed: false, name: 'r' },
    };
    return {
      seeds: expressions.map(bytesOfText),
      run: (input) => {
        const text = textOfBytes(input);
        const outcome = evaluateWhen(text, context, newWhenBudget());
        if (!outcome.ok && !outcome.message.startsWith('when (')) throw new Violation('a sentence that is none');
        const { problems } = readPipelineValue(
          {
            name: 'p',
            params: context.params,
            steps: {
              data: { uses: 'prepare-data', with: { dataset: 'generated' } },
              second: { uses: 'prepare-data', needs: ['data'], when: text, with: { dataset: 'generated' } },
            },
          },
          'p',
        );
        const [first] = problems;
        return `${outcome.ok ? outcome.value : outcome.message.replace(/^when \(.*?\) (?=cannot|must)/s, '')} / ${first?.message ?? 'sound'}`;
      },
    };
  },
};
