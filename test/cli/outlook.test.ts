import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { lookAhead } from '../../cli/outlook/outlook.ts';
import type { Json } from '../../contracts/json.ts';
import { parsePipeline } from '../../pipelines/language/index.ts';
import { openStore, savePlan, saveStepResult } from '../../store/index.ts';

const folder = await mkdtemp(join(tmpdir(), 'contrail-outlook-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const dataset = { kind: 'dataset', digest: 'a'.repeat(64) };
/** The data is prepared already; nothing else is known of any step. */
const cached = async (fingerprint: string) =>
  fingerprint.includes('"prepare-data"')
    ? { run: 'earlier', result: { dataset, classes: 3 } as Record<string, Json> }
    : null;

/** What is said of each step: its decision and why. */
async function outlookOf(steps: string, params = '{}') {
  const text = `name: p\nparams: ${params}\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n${steps}`;
  const plan = parsePipeline({ text, file: 'p.yaml' });
  const { steps: found } = await lookAhead(openStore(folder), plan, { cached });
  return Object.fromEntries(found.map(({ step, decision, reason }) => [step, `${decision}: ${reason}`]));
}

const training = (when: string) => `
  pretrain: { uses: pretrain, needs: [data], when: '${when}' }
  probe: { uses: linear-probe, needs: [pretrain] }
  evaluate: { uses: evaluate, needs: [probe] }
`;

describe('what a run would do with a step that a condition decides on', () => {
  it('is to skip it, and what needs it, where the condition is false by what is known', async () => {
    for (const [when, params] of [
      ['params.thorough', '{ thorough: false }'],
      ['steps.data.result.classes > 3', '{}'],
      ['steps.data.state != "done"', '{}'],
    ] as const)
      expect(await outlookOf(training(when), params), when).toEqual({
        data: 'reuse: from earlier',
        pretrain: `skip: not so: ${when}`,
        probe: 'skip: pretrain is skipped',
        evaluate: 'skip: probe is skipped',
      });
  });

  it('is to run it where the condition is true by what is known', async () => {
    expect(await outlookOf(training('steps.data.result.classes == 3'))).toMatchObject({
      pretrain: 'run: nothing like it was done before',
      probe: 'run: after pretrain',
    });
  });

  it('depends on the condition, or on the step that it decides on, where the run decides', async () => {
    const found = await outlookOf(`
  pretrain: { uses: pretrain, needs: [data] }
  probe: { uses: linear-probe, needs: [pretrain], when: steps.pretrain.result.loss < 1 }
  evaluate: { uses: evaluate, needs: [probe] }
  tell: { uses: notify, needs: [evaluate], when: steps.evaluate.result.top1 > 0.5, with: { urlFrom: HOOK, message: good } }
`);
    expect(found).toMatchObject({
      pretrain: 'run: nothing like it was done before',
      probe: 'perhaps: if steps.pretrain.result.loss < 1',
      evaluate: 'perhaps: depends on probe',
    });
    expect(found.tell).toMatch(/^perhaps: depends on evaluate; if steps\.evaluate\.result\.top1 > 0\.5/);
  });

  it('follows a step that was skipped by its state', async () => {
    const again = `
  other: { uses: pretrain, needs: [data], when: steps.pretrain.state == "skipped", with: { seed: 1 } }
  never: { uses: pretrain, needs: [data], when: steps.pretrain.state == "failed", with: { seed: 2 } }
`;
    expect(await outlookOf(`${training('params.first')}${again}`, '{ first: false }')).toMatchObject({
      other: 'run: nothing like it was done before',
      never: 'skip: not so: steps.pretrain.state == "failed"',
    });
    expect(await outlookOf(`${training('params.first')}${again}`, '{ first: true }')).toMatchObject({
      other: 'perhaps: if steps.pretrain.state == "skipped"; nothing like it was done before',
    });
  });

  it('says of a step that was done before why that is not taken', async () => {
    const plan = parsePipeline({
      file: 'p.yaml',
      text: 'name: p\nsteps:\n  data: { uses: prepare-data, with: { dataset: generated } }\n',
    });
    const store = openStore(join(folder, 'done'));
    await savePlan(store, 'p-1', plan);
    let asked = '';
    const none = async (fingerprint: string) => {
      asked = fingerprint;
      return null;
    };
    await lookAhead(store, plan, { cached: none });
    await saveStepResult(store, { run: 'p-1', step: 'data' }, { fingerprint: asked, result: { dataset, classes: 3 } });
    const again = await lookAhead(store, plan, { cached: none });
    expect(again.steps[0]?.reason).toBe('the same as in p-1, whose result is gone from the cache or damaged');
    const anew = { ...plan, steps: plan.steps.map((step) => ({ ...step, cache: false })) };
    const always = await lookAhead(store, anew, { cached: none });
    expect(always.steps[0]?.reason).toBe('done anew in every run (cache: false), last in p-1');
  });

  it('is refused where the condition cannot be evaluated', async () => {
    const found = await outlookOf(training('steps.data.result.classes == 3 && params.list[3] == 1'), '{ list: [1] }');
    expect(found.pretrain).toMatch(/^refused: when .* cannot be evaluated: /);
  });
});
