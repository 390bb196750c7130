import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import { canonicalJson, type Json } from '../../contracts/json.ts';
import { useModelResult } from '../../contracts/kinds/use-model.ts';
import { planPipeline } from '../../pipelines/language/index.ts';
import { isBeingRemoved, loadPlan, loadStepResults, type Store } from '../../store/index.ts';
import { announce } from '../announce.ts';
import { type ServerClient, withServer } from '../connection.ts';
import { followRun } from '../follow.ts';
import { interruptSignal } from '../interrupt.ts';
import { say } from '../output.ts';
import { newRunId, startRun } from '../runs.ts';

/** How images are embedded. */
export interface EmbeddingOptions {
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

/** The step of the run whose vectors are those of the images. */
export const embeddingStep = 'embed';

/**
 * Embeds the images of a folder or table in a run of two steps, and follows it to its end.
 *
 * @param named as a use-model step names its model
 * @param encoder of that model as it is now: a run that was begun with another is not picked up
 * @returns the run; null where the following was interrupted, and the run goes on
 */
export async function runEmbedding(
  store: Store,
  { named, encoder }: { readonly named: { readonly [key: string]: string }; readonly encoder: ArtifactRef },
  images: string,
  options: EmbeddingOptions,
): Promise<string | null> {
  const pipeline = pipelineOf(named, images, options);
  const plan = planPipeline(pipeline, 'contrail embed', {});
  const signal = interruptSignal();
  return withServer(async (server) => {
    const what = canonicalJson({ pipeline, encoder: encoder.digest });
    const prefix = `embed-${createHash('sha256').update(what).digest('hex').slice(0, 8)}`;
    const text = JSON.stringify(pipeline, null, 2);
    const run = await startOrPickUp(server, store, plan, { prefix, text, encoder });
    const remedy = 'Mend what is wrong, then give the same command again: what is embedded is taken over.';
    await followRun(server, run, { json: options.json, signal, locate: store.locate, remedy });
    if (!signal.aborted) return run;
    say(`The run goes on. \`contrail cancel ${run}\` stops it.`);
    return null;
  });
}

/** A pipeline that takes the model and embeds the images. */
function pipelineOf(
  named: { readonly [key: string]: string },
  path: string,
  options: EmbeddingOptions,
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
  { prefix, text, encoder }: { readonly prefix: string; readonly text: string; readonly encoder: ArtifactRef },
): Promise<string> {
  for await (const { workflowId, status } of server.lister.workflow.list({
    query: `WorkflowType = 'pipeline' AND WorkflowId STARTS_WITH '${prefix}'`,
  })) {
    if (!(await isOf(store, workflowId, encoder))) continue;
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

/** Whether the store has a run still, and it uses this encoder or has yet to look which is current. */
async function isOf(store: Store, run: string, encoder: ArtifactRef): Promise<boolean> {
  if ((await isBeingRemoved(store, run)) || !(await loadPlan(store, run))) return false;
  const used = useModelResult.safeParse((await loadStepResults(store, run)).model?.result);
  return !used.success || used.data.encoder.digest === encoder.digest;
}
