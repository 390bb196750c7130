/** Prepares the folder that is named, and prints what came of it. Run as another user by a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../../datasets/index.ts';
import { openStore } from '../../../store/index.ts';

const [path] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'contrail-as-other-user-'));
try {
  const params = prepareDataParameters.parse({ dataset: 'image-folder', path });
  const { about } = await prepareDataset(openStore(folder), params, { cacheFolder: folder });
  console.log(JSON.stringify({ rejected: about.rejected }));
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? { ...error, message: error.message } : error }));
} finally {
  await rm(folder, { recursive: true });
}
