/** Prepares a folder of images as it is told, and prints what came of it. Killed by the test. */
import { prepareDataParameters } from '../../../contracts/kinds/prepare-data.ts';
import { prepareDataset } from '../../../datasets/index.ts';
import { openStore } from '../../../store/index.ts';

const [folder, parameters, pieceBytes] = process.argv.slice(2) as [string, string, string];
const { reused, ref } = await prepareDataset(
  openStore(`${folder}/store`),
  prepareDataParameters.parse(JSON.parse(parameters)),
  { cacheFolder: `${folder}/cache`, pieceBytes: Number(pieceBytes) },
);
process.stdout.write(JSON.stringify({ reused, digest: ref.digest }));
