import { makeS3Environment, s3ServerKind } from './environment.ts';

/** Part of set-up for the tests: without it those that need an S3 server are skipped, and say so. */
try {
  await makeS3Environment();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `\n!! The S3 server of the tests (${s3ServerKind}, from PyPI) cannot be had, so the tests of stores on S3 are skipped: ${reason}\n\n`,
  );
}
