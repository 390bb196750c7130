import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasPromtool, promtool } from '../promtool.ts';
import { metricsIn, readable } from './queries.ts';

const path = (name: string) => fileURLToPath(new URL(`../../deploy/prometheus/${name}`, import.meta.url));
const read = (name: string) => parse(readFileSync(path(name), 'utf8'));

const rules = z
  .object({
    groups: z.array(
      z.object({
        rules: z.array(
          z.strictObject({
            alert: z.string(),
            expr: z.string(),
            for: z.string().optional(),
            labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
            annotations: z.strictObject({ summary: z.string(), description: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(read('alerts.yaml'))
  .groups.flatMap((group) => group.rules);
const names = rules.map(({ alert }) => alert);

describe('the alert rules', () => {
  it.each(rules.map(({ alert, expr }) => [alert, expr]))('%s reads metrics that there are', (_, expr) => {
    const found = metricsIn(expr);
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((name) => !readable.has(name))).toEqual([]);
  });

  it('have a case each in which they fire, and one in which they do not', () => {
    const { tests } = z
      .object({
        tests: z.array(
          z.object({
            alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
          }),
        ),
      })
      .parse(read('alerts.test.yaml'));
    const cases = tests.flatMap((each) => each.alert_rule_test);
    const of = (fires: boolean) =>
      [...new Set(cases.filter((each) => each.exp_alerts.length > 0 === fires).map((each) => each.alertname))].sort();
    expect(of(true)).toEqual([...names].sort());
    expect(of(false)).toEqual([...names].sort());
  });

  it('are in the documentation, in their order, with what to do and a link to the entry of the runbook that names the alert', () => {
    const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
    const rows = page('monitoring.md').matchAll(/^\| `(Contrail\w+)` \| .+ \| .+ \[More\]\(runbook\.md#(\S+)\) \|$/gm);
    const linked = [...rows].map(([, alert = '', anchor = '']) => ({ alert, anchor }));
    expect(linked.map(({ alert }) => alert)).toEqual(names);
    const entries = page('runbook.md').split(/^### /m).slice(1);
    for (const { alert, anchor } of linked) {
      const entry = entries.find(
        (each) =>
          (each.split('\n')[0] ?? '')
            .toLowerCase()
            .replaceAll(/[^\w -]/g, '')
            .replaceAll(' ', '-') === anchor,
      );
      expect(entry, `${alert}: ${anchor}`).toContain(alert);
    }
  });

  it.skipIf(!hasPromtool)('fire and keep quiet as their tests say, by promtool', async () => {
    expect(await promtool(['check', 'config', path('prometheus.yaml')])).toContain('1 rule files found');
    expect(await promtool(['test', 'rules', path('alerts.test.yaml')])).toContain('SUCCESS');
  });
});

describe('the names in a query', () => {
  it('are those of metrics, not of functions, labels and words', () => {
    const query =
      'max by (queue) (contrail_queue_waiting_steps{queue!="a b"}) > 0 unless on (queue) sum by (queue) (rate(x_total{a="b", c=~"d"}[5m])) > 1.5e3 or up offset 15m == Inf';
    expect(metricsIn(query)).toEqual(['contrail_queue_waiting_steps', 'x_total', 'up']);
  });
});
