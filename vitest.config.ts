import { randomInt } from 'node:crypto';
import { defineConfig } from 'vitest/config';

// Every random moment and case of the tests follows from it; the reporter prints it.
process.env.CONTRAIL_TEST_SEED ??= String(randomInt(2 ** 31));

/** Files outside test/workflows and test/e2e that start servers, browsers or many processes. */
const slow = [
  'test/bench/gpu.test.ts',
  'test/cli/{dev,dev-environment,homes,trouble}.test.ts',
  'test/cli/{photo-commands,predict,similar-page,index-changes}.test.ts',
  'test/report/browser.test.ts',
  'test/serving/http/{serve,changes,command,lost-index,page,run,training-images}.test.ts',
  'test/serving/{model-process,unknown}.test.ts',
  'test/store/{killed-writer,s3-store,s3-faults,s3-leases,s3-commit-cost,killed-s3-writer,check-and-copy,collect-beside-runs}.test.ts',
  'test/cli/local-copy.test.ts',
  'test/upgrade/{commands,resumed}.test.ts',
  'test/worker/{payload-claims,store-copies}.test.ts',
  'test/{fuzz,package}/*.test.ts',
];

/** Files that look at what their process has loaded, and at what killed processes have left. */
const alone = ['test/{bench/gpu-readings,vectors/index-job}.test.ts'];

/** Files outside test/training that train. */
const trains = [
  'test/evaluation/{embed-again,embed-images,evaluate,jobs,learning-curve}.test.ts',
  'test/evaluation/inspection/checkpoint-suspects.test.ts',
  'test/examples/untrained.test.ts',
];

/** A group of test files. Groups run in their order, each with a limit that a test that hangs soon meets. */
const group = (
  order: number,
  name: string,
  seconds: number,
  include: string[],
  exclude: string[] = [],
  maxWorkers = 2,
) => ({
  extends: true as const,
  test: {
    name,
    include,
    exclude,
    maxWorkers,
    testTimeout: seconds * 1000,
    hookTimeout: seconds * 1000,
    sequence: { groupOrder: order },
  },
});

/**
 * Lets a process run many files of a group, so that it loads what they import once. What a file changes of the process is put
 * back after it.
 */
const together = (of: ReturnType<typeof group>) => ({
  ...of,
  test: { ...of.test, isolate: false, setupFiles: ['test/put-back.ts'] },
});

export default defineConfig({
  test: {
    pool: 'forks',
    // Colours depend on who looks; CI=true turns them on.
    env: { NO_COLOR: '1' },
    reporters: ['default', './test/reporter.ts'],
    projects: [
      group(0, 'project', 120, ['test/{project,docs}/**/*.test.ts', ...alone]),
      together(
        group(
          1,
          'parts',
          60,
          ['test/**/*.test.ts'],
          ['test/{project,docs,training,workflows,e2e}/**', ...trains, ...slow, ...alone],
        ),
      ),
      together(group(2, 'training', 90, ['test/training/**/*.test.ts', ...trains])),
      // Much of their time they wait: for a heartbeat, a kill, a process that starts.
      together(group(3, 'processes', 180, ['test/e2e/**/*.test.ts', ...slow], [], 3)),
      // A process can have one Temporal runtime.
      group(3, 'workflows', 180, ['test/workflows/**/*.test.ts'], [], 3),
    ],
  },
});
