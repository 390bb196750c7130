import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { recordedFormats, recordFile, releases } from './files.ts';
import { present, recordAnew, unrecorded } from './record.ts';
import { formats } from './table.ts';
import { recordText } from './text.ts';

/** `npm run formats -- --because "…"`: records the formats of the code at hand, unless a release could not be read any more. */
const { values } = parseArgs({ options: { because: { type: 'string' } } });
try {
  const [now, before] = [present(formats), recordedFormats()];
  const changed = unrecorded(now, before);
  if (changed.length > 0) writeFileSync(recordFile, recordText(recordAnew(now, before, releases(), values.because)));
  process.stdout.write(
    changed.length > 0 ? `Recorded: ${changed.join(', ')}\n` : 'All formats are as they are on record.\n',
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
