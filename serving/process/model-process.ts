import type { Duplex, Readable } from 'node:stream';
import { z } from 'zod';
import type { ArtifactRef } from '../../contracts/artifacts.ts';
import type { EncoderAbout } from '../../contracts/encoder.ts';
import { ContrailError } from '../../contracts/errors.ts';
import type { ClassifierAbout } from '../../contracts/evaluation.ts';
import { requireTensorFlow } from '../../native/index.ts';
import { deathOf, startComputeProcess } from '../../training/process/compute-process.ts';
import { beatDescriptor, watchBeats } from './beats.ts';
import { createFrameReader, encodeFrame, type Frame } from './frames.ts';
import { type Asked, type ModelRequest, modelRequestSchema, type Said, saidSchema } from './messages.ts';

/** A model that computes in a process of its own: TensorFlow blocks an event loop, and may die. */
export interface ModelProcess {
  /** Of the process, for messages. */
  readonly pid: number;
  readonly about: { readonly encoder: EncoderAbout; readonly classifier: ClassifierAbout | null };
  /**
   * Embeds and classifies images, in the order in which it is asked.
   *
   * @param images bytes [count, height, width, channels] in the format of `about.encoder.image`; not to be changed meanwhile
   * @returns `embeddings` float32 [count, dimension]; `logits` float32 [count, classes], null without a classifier
   * @throws ContrailError InvalidInput for images of another size, and where the encoder gives what is no number
   * @throws ContrailError TrainerCrashed when the process has died, TrainerStalled when it said nothing for the stall limit
   */
  readonly infer: (images: Uint8Array, count: number) => Promise<Inferred>;
  /** Ends the process; what is asked and not answered fails. */
  readonly close: () => Promise<void>;
  /** From now on such a silence is a stall: work that has been done before takes less long than the first. */
  readonly limitSilence: (milliseconds: number) => void;
  /** Tells of its end and the reason, also of one that `close` brought about. @returns a function that ends the listening */
  readonly onEnd: (listener: (why: Error) => void) => () => void;
}

export interface Inferred {
  readonly embeddings: Float32Array;
  readonly logits: Float32Array | null;
}

export interface ModelProcessOptions {
  readonly storeUrl: string;
  readonly encoder: ArtifactRef;
  readonly classifier: ArtifactRef | null;
  /** Added to the environment: library paths, log levels. */
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that the process writes to its output. */
  readonly log: (line: string) => void;
  /** The longest silence that is not a stall, while anything is awaited, in milliseconds. @default 5 minutes */
  readonly stallTimeoutMs?: number;
  /** The longest silence of the process as such, whether it is asked or not, in milliseconds. @default 5 seconds */
  readonly beatTimeoutMs?: number;
}

/** Images in one message: the largest batch that is computed at once. */
const atOnce = 128;
const defaultStallMs = 5 * 60_000;
const defaultBeatMs = 5000;
/** An idle process that was told to end is given so long. */
const endGraceMs = 2000;

interface Waiting {
  readonly count: number;
  readonly resolve: (found: Inferred) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Starts the process of a model, and waits until the model is loaded.
 *
 * I1. Each request ends exactly once: with its answer, its own error, or the end of the process.
 * I2. Nothing that the process says throws here; what cannot be read ends it.
 * I3. When this process is gone, however it ended, the other one ends.
 * I4. A process that does not run, stopped by a signal say, is ended within the limit of its beats, also where nothing is asked of it.
 *
 * @throws ContrailError SetupFailed; what keeps the model from being loaded; TrainerCrashed, TrainerStalled
 */
export async function startModelProcess(options: ModelProcessOptions): Promise<ModelProcess> {
  await requireTensorFlow();
  const { storeUrl, encoder, classifier, environment, log } = options;
  let stallTimeoutMs = options.stallTimeoutMs ?? defaultStallMs;
  const request: ModelRequest = modelRequestSchema.parse({ storeUrl, encoder, classifier });
  const started = startComputeProcess({
    entry: new URL('./serve-model.ts', import.meta.url),
    args: [JSON.stringify(request)],
    ...{ environment, log, morePipes: 1 },
  });
  const { child } = started;
  const waiting = new Map<number, Waiting>();
  /** Why nothing more will come. */
  let ended: Error | undefined;
  /** Why it was ended from here. */
  let endedFor: Error | undefined;
  let stallTimer: NodeJS.Timeout | undefined;
  let starting = true;
  let isReady: (about: ModelProcess['about']) => void = () => {};
  let isNotReady: (why: Error) => void = () => {};
  const ready = new Promise<ModelProcess['about']>((...both) => {
    [isReady, isNotReady] = both;
  });

  const kill = (why: Error) => {
    endedFor ??= why;
    child.kill('SIGKILL');
  };
  const watchForStall = () => {
    clearTimeout(stallTimer);
    if (!starting && waiting.size === 0) return;
    const patience = stallTimeoutMs;
    stallTimer = setTimeout(() => {
      const seconds = Math.round(patience / 1000);
      kill(
        new ContrailError('TrainerStalled', `The process of the model said nothing for ${seconds} s and was ended.`),
      );
    }, patience);
  };
  const beatTimeoutMs = options.beatTimeoutMs ?? defaultBeatMs;
  const beats = child.stdio[beatDescriptor] as Readable | undefined;
  const endBeats = beats
    ? watchBeats(beats, beatTimeoutMs, () => {
        const seconds = beatTimeoutMs / 1000;
        kill(
          new ContrailError(
            'TrainerStalled',
            `The process of the model did not run for ${seconds} s, stopped by a signal or starved of the machine, and was ended.`,
          ),
        );
      })
    : () => {};
  const gone = new Promise<void>((resolve) => {
    started.onEnd((end) => {
      endBeats();
      const why = endedFor ?? deathOf('The process of the model', started, end);
      ended = why;
      clearTimeout(stallTimer);
      isNotReady(why);
      for (const { reject } of waiting.values()) reject(why);
      waiting.clear();
      resolve();
    });
  });

  let about: ModelProcess['about'] | undefined;
  const take = ({ header, body }: Frame) => {
    const said: Said = saidSchema.parse(header);
    if (said.type === 'ready') {
      starting = false;
      about = { encoder: said.encoder, classifier: said.classifier };
      return isReady(about);
    }
    if (said.type === 'unusable') return kill(new ContrailError(said.code, said.message));
    const asked = waiting.get(said.id);
    if (!asked || !about) throw new ContrailError('TrainerCrashed', `nothing is asked under the number ${said.id}`);
    if (said.type === 'error') asked.reject(new ContrailError(said.code, said.message));
    else asked.resolve(inferredOf(body, asked.count, about));
    waiting.delete(said.id);
  };
  const read = createFrameReader(take);
  const line = child.stdio[3] as Duplex | undefined;
  line?.on('data', (piece: Buffer) => {
    if (endedFor) return;
    try {
      read(piece);
      watchForStall();
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
      kill(new ContrailError('TrainerCrashed', `The process of the model sent what cannot be read: ${why}`));
    }
  });
  // Its exit tells of what follows from a broken line.
  line?.on('error', () => {});
  watchForStall();

  let lastId = 0;
  const ask = (images: Uint8Array, count: number): Promise<Inferred> => {
    if (ended || !line) return Promise.reject(ended ?? new ContrailError('TrainerCrashed', 'The model has no line.'));
    return new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { count, resolve, reject });
      if (waiting.size === 1) watchForStall();
      line.cork();
      for (const piece of encodeFrame({ id, count } satisfies Asked, [images])) line.write(piece);
      line.uncork();
    });
  };
  const close = async () => {
    endedFor ??= new ContrailError('TrainerCrashed', 'The process of the model was ended, as it is no longer used.');
    line?.end();
    // One that computes would finish first, for nobody.
    if (waiting.size > 0 || starting) child.kill('SIGKILL');
    const late = setTimeout(() => child.kill('SIGKILL'), endGraceMs);
    await gone;
    clearTimeout(late);
  };

  const known = await ready;
  const { height, width, channels } = known.encoder.image;
  const bytes = height * width * channels;
  return {
    pid: child.pid ?? 0,
    about: known,
    infer: async (images, count) => {
      if (images.length !== count * bytes)
        throw new ContrailError(
          'InvalidInput',
          `${images.length} bytes are not ${count} images of ${height}x${width}x${channels}.`,
        );
      const starts = Array.from({ length: Math.ceil(count / atOnce) }, (_, part) => part * atOnce);
      const parts = starts.map((start) => {
        const rows = Math.min(atOnce, count - start);
        return ask(images.subarray(start * bytes, (start + rows) * bytes), rows);
      });
      return joined(await Promise.all(parts), known, count);
    },
    limitSilence: (milliseconds) => {
      stallTimeoutMs = milliseconds;
      watchForStall();
    },
    close,
    // The listener above was there first, so the reason is known.
    onEnd: (listener) => started.onEnd(() => ended && listener(ended)),
  };
}

/** @throws ContrailError TrainerCrashed for a body of another size */
function inferredOf(body: Buffer, count: number, { encoder, classifier }: ModelProcess['about']): Inferred {
  const split = count * encoder.dimension;
  const values = new Float32Array(body.buffer, body.byteOffset, Math.floor(body.length / 4));
  if (body.length !== 4 * (split + count * (classifier?.classes.length ?? 0)))
    throw new ContrailError('TrainerCrashed', `an answer of ${body.length} bytes for ${count} images`);
  return { embeddings: values.subarray(0, split), logits: classifier ? values.subarray(split) : null };
}

function joined(parts: readonly Inferred[], { encoder, classifier }: ModelProcess['about'], count: number): Inferred {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const all = (width: number, of: (part: Inferred) => Float32Array | null) => {
    const values = new Float32Array(count * width);
    let at = 0;
    for (const part of parts) {
      const own = of(part) ?? new Float32Array();
      values.set(own, at);
      at += own.length;
    }
    return values;
  };
  return {
    embeddings: all(encoder.dimension, ({ embeddings }) => embeddings),
    logits: classifier ? all(classifier.classes.length, ({ logits }) => logits) : null,
  };
}
