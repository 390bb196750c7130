import { expect, it } from 'vitest';
import { modelsAnswerSchema } from '../../../contracts/serving.ts';
import { trainerEnvironment } from '../../../native/paths.ts';
import { serveModel } from '../../../serving/http/index.ts';
import { run, smallModel } from '../small-model.ts';

it('the model of a run is served under the name that the commands give it', async () => {
  const { store, storeUrl } = await smallModel();
  const serving = await serveModel({
    ...{ store, storeUrl, named: { run }, environment: trainerEnvironment(), log: () => {} },
    ...{ host: '127.0.0.1', port: 0, token: null, tls: null, allowedHosts: [] },
  });
  const answer = await fetch(`http://127.0.0.1:${serving.port}/v1/models`);
  const { models } = modelsAnswerSchema.parse(await answer.json());
  await serving.close();
  expect(models[0]).toMatchObject({ model: `${run}/pretrain`, version: null, run });
});
