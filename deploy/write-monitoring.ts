import { readFileSync, writeFileSync } from 'node:fs';
import { serverMetrics } from '../serving/http/metrics.ts';
import { workerMetrics } from '../worker/metrics/definitions.ts';
import { dashboard } from './grafana/dashboard.ts';
import { withTable } from './metric-tables.ts';

/** Writes what follows from the tables of metrics: the dashboard, and their lists in the documentation. */
const page = new URL('../docs/monitoring.md', import.meta.url);
writeFileSync(new URL('grafana/contrail.json', import.meta.url), `${JSON.stringify(dashboard(), null, 2)}\n`);
writeFileSync(
  page,
  withTable(
    withTable(readFileSync(page, 'utf8'), 'metrics of a worker', workerMetrics),
    'metrics of a server',
    serverMetrics,
  ),
);
