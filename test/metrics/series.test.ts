import { describe, expect, it } from 'vitest';
import { openRegistry } from '../../metrics/registry.ts';
import { trackSeries } from '../../metrics/series.ts';

const definitions = {
  contrail_things_total: { type: 'counter', help: 'Things.', labels: ['step', 'outcome'] },
  contrail_size_bytes: { type: 'gauge', help: 'Sizes.', labels: ['step'] },
  contrail_time_seconds: { type: 'histogram', help: 'Times.', labels: ['step'], buckets: [1, 2] },
} as const;

function tracked(most = 100) {
  const clock = { now: 0 };
  const registry = openRegistry(definitions);
  const series = trackSeries(most, () => clock.now);
  const {
    contrail_things_total: things,
    contrail_size_bytes: size,
    contrail_time_seconds: time,
  } = registry.instruments;
  const touch = (step: string) => {
    series.of(step, things, { step, outcome: 'done' }).inc();
    series.of(step, things, { step, outcome: 'failed' }).inc(0);
    series.of(step, size, { step }).set(7);
    series.of(step, time, { step }).observe(1.5);
  };
  const lines = async () => (await registry.text()).split('\n').filter((line) => line.startsWith('contrail_'));
  const steps = async () => [...new Set((await lines()).map((line) => /step="(\w+)"/.exec(line)?.[1]))];
  return { clock, series, touch, lines, steps };
}

describe('series of what ends', () => {
  it('are counted on as long as their owner is heard of', async () => {
    const { touch, lines } = tracked();
    touch('a');
    touch('a');
    expect(await lines()).toEqual([
      'contrail_things_total{step="a",outcome="done"} 2',
      'contrail_things_total{step="a",outcome="failed"} 0',
      'contrail_size_bytes{step="a"} 7',
      'contrail_time_seconds_bucket{le="1",step="a"} 0',
      'contrail_time_seconds_bucket{le="2",step="a"} 2',
      'contrail_time_seconds_bucket{le="+Inf",step="a"} 2',
      'contrail_time_seconds_sum{step="a"} 3',
      'contrail_time_seconds_count{step="a"} 2',
    ]);
  });

  it('go with their owner, all of them and no others', async () => {
    const { series, touch, steps, lines } = tracked();
    touch('a');
    touch('b');
    series.drop('a');
    expect(await steps()).toEqual(['b']);
    series.drop('b');
    series.drop('never seen');
    expect(await lines()).toEqual([]);
  });

  it('go once nothing was heard of their owner for long, unless it is at work', async () => {
    const { clock, series, touch, steps } = tracked();
    touch('idle');
    series.hold('busy');
    touch('busy');
    clock.now = 50;
    touch('recent');
    clock.now = 120;
    series.dropIdle(100);
    expect(await steps()).toEqual(['busy', 'recent']);
    series.release('busy');
    clock.now = 200;
    series.dropIdle(100);
    expect(await steps()).toEqual(['busy']);
    clock.now = 221;
    series.dropIdle(100);
    expect(await steps()).toEqual([]);
  });

  it('have a limit: those of the owner that was not heard of for longest go first', async () => {
    const { series, touch, steps } = tracked(2);
    series.hold('busy');
    touch('busy');
    touch('a');
    touch('b');
    expect(await steps()).toEqual(['busy', 'b']);
    touch('c');
    expect(await steps()).toEqual(['busy', 'c']);
  });
});
