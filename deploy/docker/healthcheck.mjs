// `node healthcheck.mjs URL`: ends with 0 where it answers 200, with 1 otherwise. An image has no curl.
const [url = ''] = process.argv.slice(2);
const patienceMs = 5000;
try {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(patienceMs) });
  if (status !== 200) throw new Error(`status ${status}`);
} catch (error) {
  process.stderr.write(`${url}: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
