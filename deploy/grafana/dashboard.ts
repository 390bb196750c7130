/** One line of a panel: a query in PromQL, and what its series are called. */
interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Panel {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'table';
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** Of the 24 columns of a dashboard. @default 8 */
  readonly width?: number;
  readonly description?: string;
}

interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Only what the choices at the top of the page name. */
const ofStep = 'pipeline=~"$pipeline", step=~"$step"';
const ofTraining = 'pipeline=~"$pipeline", run=~"$run"';
const byTraining = 'by (pipeline, run, step)';
const training = '{{run}}/{{step}}';

const graph = (title: string, unit: string, expr: string, legend: string, more: Partial<Panel> = {}): Panel => ({
  ...{ title, kind: 'timeseries', unit, queries: [{ expr, legend }] },
  ...more,
});
const number = (title: string, unit: string, expr: string, more: Partial<Panel> = {}): Panel => ({
  ...{ title, kind: 'stat', unit, width: 4, queries: [{ expr, legend: '' }] },
  ...more,
});

/** How often something happened to steps, by what is to be told apart. */
const happened = (
  title: string,
  metric: string,
  {
    by = ['pipeline', 'step'],
    within = '$__rate_interval',
    ...more
  }: Partial<Panel> & { readonly by?: readonly string[]; readonly within?: string } = {},
): Panel =>
  graph(
    title,
    'short',
    `sum by (${by.join(', ')}) (increase(${metric}{${ofStep}}[${within}]))`,
    by.map((label) => `{{${label}}}`).join('/'),
    more,
  );

/** Where several workers say the same of a namespace, one of them is taken. */
const rows: readonly Row[] = [
  {
    title: 'Now',
    panels: [
      number('Workers that answer', 'short', 'sum(up{job="contrail"})'),
      number('Workers gone', 'short', 'count(up{job="contrail"} == 0) or vector(0)'),
      number('Open runs', 'short', 'sum(max by (pipeline, state) (contrail_runs))'),
      number('Steps in work', 'short', 'sum(contrail_steps_in_work)'),
      number('Steps waiting', 'short', 'sum(max by (queue) (contrail_queue_waiting_steps))'),
      number('Oldest checkpoint', 's', 'max(time() - contrail_training_last_checkpoint_timestamp_seconds)'),
    ],
  },
  {
    title: 'Trainings',
    panels: [
      graph('Loss', 'short', `max ${byTraining} (contrail_training_loss{${ofTraining}})`, training),
      graph('Loss of epochs', 'short', `max ${byTraining} (contrail_training_epoch_loss{${ofTraining}})`, training),
      graph(
        'Epochs done',
        'percentunit',
        `max ${byTraining} ((contrail_training_epoch{${ofTraining}} - 1) / contrail_training_epochs{${ofTraining}})`,
        training,
      ),
      graph(
        'Images a second',
        'short',
        `max ${byTraining} (contrail_training_images_per_second{${ofTraining}})`,
        training,
      ),
      graph('Time of a step', 's', `max ${byTraining} (contrail_training_step_seconds{${ofTraining}})`, training),
      happened('Epochs an hour', 'contrail_epochs_total', { within: '1h' }),
    ],
  },
  {
    title: 'Checkpoints',
    panels: [
      graph(
        'Age of the last durable checkpoint',
        's',
        `time() - max ${byTraining} (contrail_training_last_checkpoint_timestamp_seconds{${ofTraining}})`,
        training,
        { description: 'What would have to be trained again if the trainer died now.' },
      ),
      {
        title: 'Time to write one',
        kind: 'timeseries',
        unit: 's',
        queries: [0.5, 0.95].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le) (rate(contrail_checkpoint_seconds_bucket{${ofStep}}[$__rate_interval])))`,
          legend: `${quantile * 100} %`,
        })),
      },
      {
        title: 'Bytes',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [
          { expr: `max ${byTraining} (contrail_training_checkpoint_bytes{${ofTraining}})`, legend: training },
          {
            expr: `sum(rate(contrail_checkpoint_bytes_total{${ofStep}}[$__rate_interval]))`,
            legend: 'written a second',
          },
        ],
      },
      happened('Trainings taken over', 'contrail_lease_takeovers_total', {
        description: 'After a worker died, was stopped, or was cut off.',
      }),
    ],
  },
  {
    title: 'Steps',
    panels: [
      graph('In work', 'short', `sum by (pipeline, step) (contrail_steps_in_work{${ofStep}})`, '{{pipeline}}/{{step}}'),
      happened('Attempts that ended', 'contrail_step_attempts_total', { by: ['outcome'] }),
      happened('Retries', 'contrail_step_retries_total'),
      happened('Failures by code', 'contrail_step_failures_total', { by: ['code'] }),
      happened('Results taken from before', 'contrail_steps_reused_total'),
      graph('Open runs', 'short', 'max by (pipeline, state) (contrail_runs)', '{{pipeline}} {{state}}'),
      graph(
        'Steps of open runs by state',
        'short',
        `max by (pipeline, step, state) (contrail_run_steps{${ofStep}})`,
        '{{pipeline}}/{{step}} {{state}}',
      ),
    ],
  },
  {
    title: 'Queues and schedules',
    panels: [
      graph('Waiting', 'short', 'max by (queue) (contrail_queue_waiting_steps)', '{{queue}}'),
      graph('The oldest has waited', 's', 'max by (queue) (contrail_queue_oldest_wait_seconds)', '{{queue}}'),
      graph(
        'Wait before an attempt (95 %)',
        's',
        'histogram_quantile(0.95, sum by (queue, le) (rate(contrail_queue_wait_seconds_bucket[$__rate_interval])))',
        '{{queue}}',
      ),
      {
        title: 'Slots',
        kind: 'timeseries',
        unit: 'short',
        queries: [
          { expr: 'sum by (queue) (contrail_worker_slots)', legend: '{{queue}}' },
          { expr: 'sum by (queue) (contrail_steps_in_work)', legend: '{{queue}} taken' },
          { expr: 'max by (queue) (contrail_queue_pollers)', legend: '{{queue}} workers asking' },
        ],
      },
      graph(
        'Firings passed over',
        'short',
        'max by (schedule, reason) (increase(contrail_schedule_skipped_firings_total[1h]))',
        '{{schedule}} {{reason}}',
      ),
    ],
  },
  {
    title: 'Machines',
    panels: [
      {
        title: 'Memory of the GPUs',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [
          { expr: 'contrail_gpu_memory_used_bytes', legend: '{{instance}} {{gpu}} used' },
          { expr: 'contrail_gpu_memory_total_bytes', legend: '{{instance}} {{gpu}}' },
        ],
      },
      graph('Use of the GPUs', 'percentunit', 'contrail_gpu_utilization_ratio', '{{instance}} {{gpu}}'),
      graph('Memory of the workers', 'bytes', 'process_resident_memory_bytes{job="contrail"}', '{{instance}}'),
      graph(
        'Processor of the workers',
        'short',
        'rate(process_cpu_seconds_total{job="contrail"}[$__rate_interval])',
        '{{instance}}',
      ),
      graph('Delay of the event loop', 's', 'nodejs_eventloop_lag_p99_seconds{job="contrail"}', '{{instance}}', {
        description: 'Nothing may hold a worker up for a second.',
      }),
      graph(
        'Requests to Temporal (95 %)',
        's',
        'histogram_quantile(0.95, sum by (operation, le) (rate(temporal_request_latency_seconds_bucket[$__rate_interval])))',
        '{{operation}}',
      ),
      {
        title: 'What could be asked',
        kind: 'timeseries',
        unit: 'short',
        queries: [
          { expr: 'min by (instance) (contrail_temporal_up)', legend: '{{instance}}: Temporal answers' },
          {
            expr: 'sum by (source) (increase(contrail_metrics_errors_total[$__rate_interval]))',
            legend: 'unread {{source}}',
          },
        ],
      },
      {
        title: 'Versions',
        kind: 'table',
        unit: 'short',
        queries: [{ expr: 'count by (version) (contrail_worker_info)', legend: '{{version}}' }],
      },
    ],
  },
];

const columns = 24;
const height = 8;
const statHeight = 4;
const source = { type: 'prometheus', uid: '${datasource}' } as const;

/** A choice at the top of the page, from the values of a label. */
const choice = (name: string, metric: string) => ({
  ...{ name, label: name, type: 'query', datasource: source },
  query: { query: `label_values(${metric}, ${name})`, refId: name },
  ...{ refresh: 2, includeAll: true, multi: true, allValue: '.*', current: { text: 'All', value: '$__all' } },
});

function panelAt(panel: Panel, id: number, x: number, y: number) {
  const { title, kind, unit, queries, width = 8, description } = panel;
  return {
    ...{ id, title, type: kind, datasource: source },
    ...(description === undefined ? {} : { description }),
    gridPos: { x, y, w: width, h: heightOf(panel) },
    fieldConfig: { defaults: { unit, ...(unit === 'percentunit' ? { min: 0, max: 1 } : {}) }, overrides: [] },
    ...(kind === 'stat' ? { options: { reduceOptions: { calcs: ['lastNotNull'] }, graphMode: 'none' } } : {}),
    targets: queries.map(({ expr, legend }, at) => ({
      ...{ refId: String.fromCharCode('A'.charCodeAt(0) + at), datasource: source, expr, legendFormat: legend },
      ...(kind === 'table' ? { instant: true, format: 'table' } : {}),
    })),
  };
}

const heightOf = ({ kind }: Panel) => (kind === 'stat' ? statHeight : height);

/** The dashboard, as Grafana imports it. */
export function dashboard(): object {
  const panels: object[] = [];
  let y = 0;
  for (const { title, panels: own } of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
    });
    y += 1;
    let x = 0;
    for (const panel of own) {
      const { width = 8 } = panel;
      if (x + width > columns) {
        y += heightOf(panel);
        x = 0;
      }
      panels.push(panelAt(panel, panels.length + 1, x, y));
      x += width;
    }
    const [last] = own.slice(-1);
    y += last ? heightOf(last) : 0;
  }
  return {
    ...{ uid: 'contrail', title: 'Contrail', tags: ['contrail'], schemaVersion: 39, version: 1, editable: true },
    ...{ refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'browser', graphTooltip: 1 },
    templating: {
      list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', current: {} },
        choice('pipeline', 'contrail_step_attempts_total'),
        choice('step', 'contrail_step_attempts_total'),
        choice('run', 'contrail_training_epoch'),
      ],
    },
    annotations: {
      list: [
        {
          ...{ name: 'Alerts', enable: true, iconColor: 'red', datasource: source },
          ...{ expr: 'ALERTS{alertstate="firing", alertname=~"Contrail.*"}', titleFormat: '{{alertname}}' },
        },
      ],
    },
    panels,
  };
}
