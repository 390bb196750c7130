import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: './test/shared-folder.ts',
    pool: 'forks',
    maxWorkers: 2,
    // Native libraries and servers take a moment to start on a small machine.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    reporters: ['default', './test/reporter.ts'],
  },
});
