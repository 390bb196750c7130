import type { Reporter, TestModule } from 'vitest/node';

/** Ends the output with `N passed, N failed`, counting a file that could not be loaded as a failure. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests)
        counts[test.result().state === 'pending' ? 'skipped' : (test.result().state as keyof typeof counts)]++;
      if (module.state() === 'failed' && !tests.some((test) => test.result().state === 'failed')) counts.failed++;
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    // The default reporter still prints its summary; this comes after it.
    process.on('exit', () =>
      process.stdout.write(
        `\nThe same random moments again: CONTRAIL_TEST_SEED=${process.env.CONTRAIL_TEST_SEED}\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`,
      ),
    );
  }
}
