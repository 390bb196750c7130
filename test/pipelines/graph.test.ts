import { describe, expect, it } from 'vitest';
import type { StepState } from '../../contracts/status.ts';
import { graphAsMermaid, graphAsSvg, graphAsText, graphOf } from '../../pipelines/language/describe/graph/index.ts';
import { expandLists } from '../../pipelines/language/interpret/expand-lists.ts';
import { planOf } from './plan.ts';

const plan = planOf(
  `  data: { uses: prepare-data, with: { dataset: generated } }
  pretrain: { uses: pretrain, needs: [data], matrix: { seed: [0, 1, 2] }, with: { seed: "\${matrix.seed}" } }
  probe: { uses: linear-probe, needs: [data, pretrain], matrix: pretrain }
  extra: { uses: prepare-data, with: { dataset: generated } }
  end: { uses: prepare-data, needs: [probe, extra], when: 'steps.probe.result.learningRate[0] < 1 && "<b>" != ""', with: { dataset: generated } }
finally:
  last: { uses: prepare-data, with: { dataset: generated } }`,
  'description: "Shirts & <pullovers>"',
);
const stateOf: Record<string, StepState> = { 'pretrain@seed=0': 'done', 'pretrain@seed=1': 'running', data: 'done' };
const progress = Object.fromEntries(
  plan.steps.map(({ id }) => [id, { state: stateOf[id] ?? 'waiting', epoch: 3, epochs: 8 }]),
);

describe('the graph of a pipeline', () => {
  it('has one node for a matrix, and no arrow for a need that others imply', () => {
    const { nodes, edges } = graphOf(plan);
    expect(nodes.map(({ id, count }) => [id, count])).toEqual([
      ['data', null],
      ['pretrain', 3],
      ['probe', 3],
      ['extra', null],
      ['end', null],
      ['last', null],
    ]);
    expect(edges.map(({ from, to, kind }) => `${from} ${kind} ${to}`)).toEqual([
      'data needs pretrain',
      'pretrain needs probe',
      'probe needs end',
      'extra needs end',
      'end after last',
    ]);
  });

  it('says of a matrix over a list where its number comes from, and once the list is there, what it is', () => {
    const listed = planOf(
      `  split: { uses: run, with: { command: [split], result: { shards: list } } }
  measure: { uses: run, matrix: { shard: "\${steps.split.result.shards}" }, with: { command: [m] } }`,
    );
    expect(graphAsText(graphOf(listed))).toContain('measure ×split.shards');
    const made = expandLists(listed, { split: { shards: ['a', 'b'] } }).plan;
    expect(graphAsText(graphOf(made))).toContain('measure ×2');
  });

  it('is a tree in the terminal', () =>
    expect(graphAsText(graphOf(plan))).toBe(`test: Shirts & <pullovers>

data            prepare-data
└─ pretrain ×3  pretrain
   └─ probe ×3  linear-probe
      └─ end    prepare-data  also needs extra; when steps.probe.result.learningRate[0] < 1 && "<b>" != ""
extra           prepare-data

at the end, whatever happened
last            prepare-data`));

  it('shows the states of a run, of a matrix how many are in each', () => {
    const lines = graphAsText(graphOf(plan, progress)).split('\n');
    expect(lines[2]).toMatch(/^data +prepare-data +✔ done$/);
    expect(lines[3]).toMatch(/^└─ pretrain ×3 +pretrain +▶ 1 done, 1 running, 1 waiting$/);
  });

  it('is a flowchart in Mermaid, with nothing in it that Mermaid would read as its own', () => {
    const text = graphAsMermaid(graphOf(plan, progress));
    expect(text).toContain('step-pretrain[["<b>pretrain</b> ×3<br>pretrain<br>1 done, 1 running, 1 waiting"]]');
    expect(text).toContain(
      'step-end["<b>end</b><br>prepare-data<br>when steps.probe.result.learningRate[0] &lt; 1 &amp;&amp; &quot;&lt;b&gt;&quot; != &quot;&quot;<br>waiting"]',
    );
    expect(text).toContain('step-end -.-> step-last');
    expect(text).toContain('class step-pretrain running');
  });
});

describe('the SVG of a graph', () => {
  const svg = graphAsSvg(graphOf(plan, progress));
  const boxes = [...svg.matchAll(/<g class="(\w+) \w+">[\s\S]*?<\/g>/g)];

  it('escapes what comes from the pipeline, and refers to nothing outside', () => {
    expect(svg).toContain('Shirts &amp; &lt;pullovers&gt;');
    expect(svg).not.toContain('<pullovers>');
    expect(svg.replace('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/https?:|href/);
  });

  it('is for light and dark', () => expect(svg).toContain('prefers-color-scheme: dark'));

  it('has a box for each step in the colour of its state, none over another and all text inside', () => {
    expect(boxes.map(([, state]) => state)).toEqual(['done', 'running', 'waiting', 'waiting', 'waiting', 'waiting']);
    const [, width = 0, height = 0] = (/viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? []).map(Number);
    const places = boxes.map(([box]) => {
      const found = [
        ...box.matchAll(/<rect class="box" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
      ];
      const [, x = 0, y = 0, w = 0, h = 0] = (found.at(-1) ?? []).map(Number);
      for (const [, size, at, text = ''] of box.matchAll(
        /<text class="(\w+)[^"]*" x="([\d.]+)" y="[\d.]+">([^<]*)</g,
      )) {
        const plain = text.replace(/&\w+;/g, '_');
        expect(Number(at) + plain.length * (size === 'title' ? 14 : 12) * 0.6).toBeLessThanOrEqual(x + w);
      }
      expect(x + w).toBeLessThanOrEqual(width);
      expect(y + h).toBeLessThanOrEqual(height);
      return { x, y, w, h };
    });
    for (const [index, a] of places.entries())
      for (const b of places.slice(index + 1))
        expect(a.x + a.w < b.x || b.x + b.w < a.x || a.y + a.h < b.y || b.y + b.h < a.y).toBe(true);
  });
});
