import { openRegistry } from '../../../metrics/registry.ts';
import { trackSeries } from '../../../metrics/series.ts';
import { workerMetrics } from '../../../worker/metrics/definitions.ts';

/** The metrics of a worker without its endpoint, and what they read. */
export function metricsOf(pipelineOf = async (run: string) => `pipeline-of-${run}`) {
  const { instruments, text } = openRegistry(workerMetrics);
  const [live, counted] = [trackSeries(100), trackSeries(100)];
  /** Lines of the metrics whose names begin so, without those of buckets. */
  const lines = async (...names: readonly string[]) => {
    // What is told waits for the name of its pipeline.
    await new Promise(setImmediate);
    return (await text())
      .split('\n')
      .filter((line) => names.some((name) => line.startsWith(name)) && !line.includes('_bucket'));
  };
  return { instruments, live, counted, pipelineOf, lines };
}
