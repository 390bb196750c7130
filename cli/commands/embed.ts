import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { times } from '../../contracts/counted.ts';
import { embeddedText } from '../../contracts/embedded-text.ts';
import { ContrailError } from '../../contracts/errors.ts';
import { canonicalJson, type Json } from '../../contracts/json.ts';
import { type EmbedImagesResult, embedImagesResult } from '../../contracts/kinds/embed-images.ts';
import { useModelResult } from '../../contracts/kinds/use-model.ts';
import { vectorsAboutSchema } from '../../contracts/vectors.ts';
import { openHome } from '../../home/home.ts';
import { planPipeline } from '../../pipelines/language/index.ts';
import { findModel } from '../../serving/find-model.ts';
import { loadStepResults, openStore, readAbout, type Store } from '../../store/index.ts';
import { announce } from '../announce.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { type Target, targetOf, writeTarget } from '../embed/target.ts';
import { followRun } from '../follow.ts';
import { checkModelName, checkRunId } from '../given-names.ts';
import { interruptedCode, interruptSignal } from '../interrupt.ts';
import { print, printJson, say } from '../output.ts';
import { newRunId, startRun } from '../runs.ts';

export interface EmbedOptions {
  readonly to: string;
  readonly model?: string;
  readonly step?: string;
  readonly labels?: 'folder' | 'none';
  readonly imageColumn?: string;
  readonly labelColumn?: string;
  readonly allowUrls?: boolean;
  readonly maximumRejected?: number;
  readonly shardImages?: number;
  readonly atOnce?: number;
  readonly queue?: string;
  readonly json: boolean;
}

/** `contrail embed`: a run of two steps, followed to its end; its vectors are then written as a file. */
export async function embedCommand(words: readonly string[], options: EmbedOptions): Promise<number> {
  const { model, step, json } = options;
  const images = words.at(-1) ?? '';
  const run = words.length > 1 ? words[0] : undefined;
  if (words.length > 2)
    throw new ContrailError(
      'Usage',
      `Embed one folder or table at a time; there is also ${words.slice(2).join(', ')}.`,
    );
  if ((run === undefined) === (model === undefined))
    throw new ContrailError(
      'Usage',
      'Name what to embed with, and then the folder or table: either a run, or a model with --model.',
    );
  if (step !== undefined && run === undefined)
    throw new ContrailError('Usage', '--step chooses in a run; a promoted model has one encoder. Leave it out.');
  const target = targetOf(options.to);
  const store = openStore(openHome().storeUrl);
  const named =
    run === undefined ? { model: checkModelName(model ?? '') } : { run: checkRunId(run), ...(step ? { step } : {}) };
  // A mistake in the name is said before a run is started.
  await findModel(store, named);
  const pipeline = pipelineOf(named, images, options);
  const plan = planPipeline(pipeline, 'contrail embed', {});
  const signal = interruptSignal();
  return withServer(async (server) => {
    const prefix = `embed-${createHash('sha256').update(canonicalJson(pipeline)).digest('hex').slice(0, 8)}`;
    const embedding = await startOrPickUp(server, store, plan, prefix, JSON.stringify(pipeline, null, 2));
    await followRun(server, embedding, { json, signal, locate: store.locate });
    if (signal.aborted) {
      say(
        `The run goes on. The same command follows it again and writes the file; \`contrail cancel ${embedding}\` stops it.`,
      );
      return interruptedCode;
    }
    await write(store, embedding, target, json);
    return 0;
  });
}

/** A pipeline that takes the model and embeds the images. */
function pipelineOf(
  named: { readonly [key: string]: string },
  path: string,
  options: EmbedOptions,
): Record<string, Json> {
  const { labels, imageColumn, labelColumn, allowUrls, maximumRejected, shardImages, atOnce, queue } = options;
  const columns = {
    ...(imageColumn === undefined ? {} : { image: imageColumn }),
    ...(labelColumn === undefined ? {} : { label: labelColumn }),
  };
  return {
    name: 'embed',
    description: 'Embed images, and write the embeddings to a file',
    steps: {
      model: { uses: 'use-model', with: { ...named } },
      embed: {
        uses: 'embed-images',
        needs: ['model'],
        ...(queue === undefined ? {} : { queue }),
        with: {
          images: {
            path: resolve(path),
            ...(Object.keys(columns).length > 0 ? { columns } : {}),
            ...(allowUrls ? { allowUrls } : {}),
            ...(labels === undefined ? {} : { labels }),
          },
          ...(maximumRejected === undefined ? {} : { maximumRejected }),
          ...(shardImages === undefined ? {} : { shardImages }),
          ...(atOnce === undefined ? {} : { atOnce }),
        },
      },
    },
  };
}

/** The run of this very embedding that was begun and not ended, or a new one, which takes over what is embedded. */
async function startOrPickUp(
  server: ServerClient,
  store: Store,
  plan: Parameters<typeof startRun>[3],
  prefix: string,
  text: string,
): Promise<string> {
  for await (const { workflowId, status } of server.client.workflow.list({
    query: `WorkflowType = 'pipeline' AND WorkflowId STARTS_WITH '${prefix}'`,
  })) {
    if (status.name === 'RUNNING') {
      announce(server, workflowId, `Following ${workflowId}, which goes on`);
      return workflowId;
    }
    if (status.name === 'COMPLETED') break;
    await startRun(server, store, workflowId, plan, true);
    announce(server, workflowId, `Resumed ${workflowId}`);
    return workflowId;
  }
  const run = newRunId(prefix);
  await startRun(server, store, run, plan, false, { source: { file: 'embed.yaml', text } });
  announce(server, run, `Started ${run}`);
  return run;
}

async function write(store: Store, run: string, target: Target, json: boolean): Promise<void> {
  const results = await loadStepResults(store, run);
  const result = embedImagesResult.parse(results.embed?.result);
  const { name, version } = useModelResult.parse(results.model?.result);
  const { vectors } = result;
  const { shards, of, encoder, dimension, count, rejected } = await readAbout(store, vectors, vectorsAboutSchema);
  const files = await writeTarget(target, {
    ...{ store, ref: vectors, shards },
    about: { model: name, version, encoder, vectors, of, count, dimension, rejected: rejected.count },
    onProgress: createProgress(count, json),
  });
  if (json) printJson({ run, files, ...result });
  else {
    for (const file of files) print(file);
    say(summary(result));
  }
}

/** Writing a million takes a minute or so: it is said how far it is, a few times. */
function createProgress(total: number, json: boolean): (done: number) => void {
  const everyMs = 5000;
  const begun = Date.now();
  let said = begun;
  return (done) => {
    const now = Date.now();
    if (json || now - said < everyMs || done === total) return;
    said = now;
    const left = Math.ceil((((now - begun) / done) * (total - done)) / 1000);
    say(`written: ${done} of ${times(total, 'embedding')}, ${left} s left`);
  };
}

function summary(result: EmbedImagesResult): string {
  const why = result.reasons.map(({ count, reason, first }) => `\n  ${count} ${reason}: ${first.join(', ')}`).join('');
  return `${embeddedText(result)}; ${result.dimension} numbers each.${why === '' ? '' : `\nRejected:${why}`}`;
}
