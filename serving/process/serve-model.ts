import { Socket } from 'node:net';
import { ContrailError } from '../../contracts/errors.ts';
import { failureOf } from '../../contracts/system-errors.ts';
import { openClassifier } from '../../evaluation/open-classifier.ts';
import { openStore } from '../../store/index.ts';
import { openInference } from '../../training/index.ts';
import { startBeats } from './beats.ts';
import { createFrameReader, encodeFrame, type Frame } from './frames.ts';
import { type Asked, askedSchema, modelRequestSchema, type Said } from './messages.ts';

/**
 * The process of a model: TensorFlow, which blocks its event loop while it computes, and nothing else. Its one argument is a
 * `ModelRequest`; it speaks frames on its file descriptor 3, and ends when that is closed.
 */
process.title = 'contrail model';
const line = new Socket({ fd: 3, readable: true, writable: true });
line.on('end', () => process.exit(0));
line.on('error', () => process.exit(0));

const send = (said: Said, bodies: readonly Uint8Array[] = []) => {
  line.cork();
  for (const piece of encodeFrame(said, bodies)) line.write(piece);
  line.uncork();
};

/** Frames that came before the model was there wait. */
let take = (frame: Frame): void => void early.push(frame);
const early: Frame[] = [];
const read = createFrameReader((frame) => take(frame));
line.on('data', (piece) => {
  try {
    read(piece);
  } catch {
    // What follows cannot be read either; the host says what became of its requests.
    process.exit(1);
  }
});

const beating = startBeats();
try {
  const { storeUrl, encoder, classifier } = modelRequestSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const store = openStore(storeUrl);
  const opened = classifier ? await openClassifier(store, { classifier, encoder }) : null;
  const { about, infer } = await openInference(store, encoder, opened);
  const { height, width, channels } = about.image;
  const answer = ({ id, count }: Asked, images: Uint8Array) => {
    try {
      if (images.length !== count * height * width * channels)
        throw new ContrailError(
          'InvalidInput',
          `${images.length} bytes are not ${count} images of ${height}x${width}x${channels}.`,
        );
      const { embeddings, logits } = infer(images, count);
      send({ type: 'answer', id }, [embeddings, ...(logits ? [logits] : [])].map(asBytes));
    } catch (error) {
      send({ type: 'error', id, ...failureOf(error) });
    }
  };
  take = ({ header, body }) => answer(askedSchema.parse(header), body);
  await beating;
  send({ type: 'ready', encoder: about, classifier: opened?.about ?? null });
  for (const frame of early.splice(0)) take(frame);
} catch (error) {
  send({ type: 'unusable', ...failureOf(error) });
  line.end(() => process.exit(1));
}

function asBytes({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
