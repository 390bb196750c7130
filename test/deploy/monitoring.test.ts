import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { dashboard } from '../../deploy/grafana/dashboard.ts';
import { withTable } from '../../deploy/metric-tables.ts';
import type { Definitions } from '../../metrics/registry.ts';
import { serverMetrics } from '../../serving/http/metrics.ts';
import { workerMetrics } from '../../worker/metrics/definitions.ts';
import { hasPromtool, promtool } from '../promtool.ts';
import { labelsIn, metricsIn, readable } from './queries.ts';

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

const page = z
  .object({
    templating: z.object({
      list: z.array(z.object({ name: z.string(), query: z.union([z.string(), z.object({ query: z.string() })]) })),
    }),
    panels: z.array(
      z.object({
        id: z.int(),
        title: z.string(),
        gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
        targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
      }),
    ),
  })
  .parse(JSON.parse(file('deploy/grafana/contrail.json')));
const queries = page.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

describe('the dashboard', () => {
  it('is what `npm run monitoring` writes', () => {
    expect(JSON.parse(file('deploy/grafana/contrail.json'))).toEqual(dashboard());
  });

  it.each(queries)('reads metrics that there are, by labels that they have: %s', (_, expr) => {
    const found = metricsIn(expr.replaceAll(/\$\w+/g, ''));
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((name) => !readable.has(name))).toEqual([]);
    const known = new Set(['job', 'instance', 'le', 'operation']);
    for (const name of found) {
      const definition = (workerMetrics as Definitions)[name.replace(/_bucket$/, '')];
      for (const label of definition?.labels ?? []) known.add(label);
    }
    expect(labelsIn(expr).filter((label) => !known.has(label))).toEqual([]);
  });

  it('shows every metric of a worker', () => {
    const shown = new Set(queries.flatMap(([, expr]) => metricsIn(expr).map((name) => name.replace(/_bucket$/, ''))));
    expect(Object.keys(workerMetrics).filter((name) => !shown.has(name))).toEqual([]);
  });

  it('offers choices that its queries use', () => {
    const asked = page.templating.list.flatMap(({ name, query }) =>
      typeof query === 'string' ? [] : [[name, /label_values\((\w+),/.exec(query.query)?.[1] ?? ''] as const],
    );
    expect(asked.map(([name]) => name)).toEqual(['pipeline', 'step', 'run']);
    for (const [name, metric] of asked) {
      expect((workerMetrics as Definitions)[metric]?.labels).toContain(name);
      expect(queries.some(([, expr]) => expr.includes(`"$${name}"`))).toBe(true);
    }
  });

  it('has a place for each panel, beside the others and within its columns', () => {
    const taken = new Set<string>();
    for (const { gridPos, title } of page.panels)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x, title).toBeLessThan(24);
          expect(taken.has(`${x} ${y}`), `${title} covers another`).toBe(false);
          taken.add(`${x} ${y}`);
        }
    expect(new Set(page.panels.map(({ id }) => id)).size).toBe(page.panels.length);
  });

  it.skipIf(!hasPromtool)('asks in PromQL that Prometheus reads', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'contrail-dashboard-'));
    const rules = queries.map(([, expr], at) => ({
      record: `query:${at}`,
      expr: expr.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*'),
    }));
    await writeFile(join(folder, 'rules.yaml'), JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(await promtool(['check', 'rules', join(folder, 'rules.yaml')])).toContain(`${rules.length} rules found`);
    await rm(folder, { recursive: true });
  });
});

describe('docs/monitoring.md', () => {
  it('has every metric with its labels and what it is, as `npm run monitoring` writes it', () => {
    const text = file('docs/monitoring.md');
    const made = withTable(withTable(text, 'metrics of a worker', workerMetrics), 'metrics of a server', serverMetrics);
    expect(text).toBe(made);
  });
});

describe('the names of metrics', () => {
  const all = Object.entries<Definitions[string]>({ ...workerMetrics, ...serverMetrics });

  it('say the unit as Prometheus has it, and which are counters', () => {
    for (const [name, { type }] of all) {
      expect(name).toMatch(/^contrail_[a-z][a-z_]*[a-z]$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name, 'in seconds and bytes').not.toMatch(
        /_(ms|milliseconds|minutes|hours|kib|mib|gib|mb|gb|percent)(_|$)/,
      );
    }
  });

  it('are told apart by labels of which there are few at a time', () => {
    const labels = new Set(all.flatMap(([, definition]) => definition.labels));
    const perRun = all.filter(([, definition]) => definition.labels.includes('run')).map(([name]) => name);
    expect(perRun.filter((name) => !name.startsWith('contrail_training_'))).toEqual([]);
    for (const unbounded of ['epoch', 'error', 'message', 'path', 'digest', 'attempt'])
      expect(labels).not.toContain(unbounded);
  });
});
