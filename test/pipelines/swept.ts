import { readPipeline } from '../../pipelines/language/index.ts';

const settings = (more: Readonly<Record<string, string>> = {}) => {
  const all: Record<string, string> = {
    trials: '6',
    over: '{ learningRate: { log: [0.001, 1] }, temperature: [0.05, 0.1] }',
    objective: '{ maximise: "${steps.probe.result.validationTop1}" }',
    ...more,
  };
  return Object.entries(all)
    .map(([key, value]) => `      ${key}: ${value}`)
    .join('\n');
};
/** A training and its probe. */
export const usual = `
        pretrain:
          uses: pretrain
          with: { epochs: 9, seed: "\${sweep.seed}", optimizer: { name: adam, learningRate: "\${sweep.learningRate}" }, loss: { supcon: { temperature: "\${sweep.temperature}" } } }
        probe: { uses: linear-probe, needs: [pretrain] }`;
/** The steps of a pipeline with a sweep, of which settings, steps, and what comes after it may be others. */
export const swept = (more: Readonly<Record<string, string>> = {}, steps = usual, after = '') => `
  data: { uses: prepare-data, with: { dataset: generated } }
  sweep:
    uses: sweep
    needs: [data]
    with:
${settings(more)}
      steps:${steps}
  evaluate: { uses: evaluate, needs: [sweep], with: { refusals: 0.05 } }
${after}`;
/** Each as `line:column: message`. */
export const mistakesIn = (steps: string) => {
  const { problems } = readPipeline({ text: `name: test\nsteps:\n${steps}\n`, file: 'test.yaml' });
  return problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
};
/** The messages alone. */
export const mistakes = (more: Readonly<Record<string, string>>, steps?: string, after?: string) =>
  mistakesIn(swept(more, steps, after)).map((text) => text.replace(/^\d+:\d+: /, ''));
