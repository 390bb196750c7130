import { times } from '../contracts/counted.ts';
import { frozenText } from '../contracts/encoder-origin.ts';
import type { EncoderHistory } from '../contracts/export.ts';
import { lossTitles } from '../contracts/losses.ts';
import { markdownText } from '../contracts/markdown-text.ts';
import { capitalised } from '../contracts/short-text.ts';
import { formOfEncoder } from '../datasets/index.ts';
import type { ExportedModel } from './export.ts';

/** Above so many classes, the page names the first; model.json has all. */
const mostNamed = 200;

/** Results that count images. */
const leakNames: readonly string[] = ['copies', 'nearLeaks', 'embeddingLeaks'];
const countNames: readonly string[] = [...leakNames, 'queries', 'gallery', 'lone'];
const figureOf = (name: string, value: number) => (countNames.includes(name) ? String(value) : value.toFixed(4));
const leakText = '`allTop1` is the accuracy with them, `cleanTop1` without; `top1` is one of the two.';

function originText({ dataset, loss, epochs }: ExportedModel['encoder'], origin: Origin): string {
  if (dataset === undefined) return 'whose weights came from elsewhere, and are as they were';
  const from = origin.weights ? 'that started from weights from elsewhere, ' : '';
  return `${from}trained by ${loss ? `the ${lossTitles[loss]} loss` : 'supervised contrastive learning'} for ${times(epochs, 'epoch')}`;
}

type Origin = EncoderHistory['origin'];

const adapterText = ({ adapter }: ExportedModel['encoder']) =>
  adapter
    ? `, and behind it an adapter${adapter.hidden === undefined ? '' : ' of one hidden layer'}, trained on its embeddings for ${times(adapter.epochs, 'epoch')}`
    : '';

const indexLines = [
  '## Look-alikes',
  '',
  '`python example.py photo.jpg` prints the look-alikes of a photo, by numpy, pillow and onnxruntime alone. `index/vectors.npy` has the embeddings, scaled to length 1; `index/rows.jsonl` says in the same order what each is of. Where there is an `index/graph.usearch`, a large index is searched faster along it (`pip install usearch`); `index/keys.npy` has the key of each row in it:',
  '',
  '```python',
  'import json, numpy as np',
  'from usearch.index import Index',
  'about = json.load(open("index/index.json"))',
  'graph = Index(ndim=about["dimension"], metric="ip", dtype=about["graph"]["dtype"],',
  '              expansion_search=about["graph"]["expansionSearch"])',
  'graph.view("index/graph.usearch")',
  'keys = graph.search(query / np.linalg.norm(query), 10).keys',
  'rows = [np.flatnonzero(np.load("index/keys.npy") == key) for key in keys]',
  '```',
  '',
];

/** How a photo becomes such an image, in the order in which it is done. */
function formLines(encoder: ExportedModel['encoder']): string[] {
  const { size, side, fit, background, channels, encoding } = formOfEncoder(encoder);
  const { behind, around } = background;
  const square = {
    pad: `if it is wider or higher than ${side} pixels, shrink it until its longer side has ${side} (a smaller one keeps its size); put it into the middle of a square of ${side} x ${side} pixels of rgb(${around.join(', ')})`,
    crop: `scale it until its shorter side has ${side} pixels and cut ${side} x ${side} out of its middle`,
    resize: `stretch it to ${side} x ${side} pixels, whatever its proportions`,
  }[fit];
  const steps = [
    'turn it as its EXIF orientation says',
    'bring its colours to sRGB by the profile in it, if it has one (`example.py` leaves that out)',
    `put it on rgb(${behind.join(', ')}) where it is transparent`,
    `${square} (Lanczos with three lobes; cubic where it is ${side} x ${side} or smaller)`,
    ...(channels === 1 ? ['turn it into grey (one channel)'] : ['keep three channels, red first']),
    ...(encoding
      ? [
          `write it as ${encoding.format.toUpperCase()} of quality ${encoding.quality}${encoding.format === 'jpeg' ? ', colour at full resolution (4:4:4),' : ''} and read it again, as the training images were`,
        ]
      : []),
    ...(side > size ? [`cut ${size} x ${size} pixels out of its middle`] : []),
    'pass the bytes as they are, 0 to 255: the model divides and normalises itself',
  ];
  return [
    '',
    '## How a photo becomes such an image',
    '',
    'In this order. A photo that is prepared in another way gives other embeddings, and nothing says so.',
    '',
    ...steps.map((step, at) => `${at + 1}. ${capitalised(step)}.`),
    '',
    '`model.json` has the same as `preprocessing`, for programs.',
  ];
}

/** The page that travels with an exported model: what it is, how to call it, what was measured. */
export function modelCard(
  { encoder, classifier }: Pick<ExportedModel, 'encoder' | 'classifier'>,
  {
    run,
    evaluation,
    history = null,
    index,
  }: {
    readonly run: string;
    readonly evaluation: Readonly<Record<string, number | null>> | null;
    readonly history?: EncoderHistory | null;
    readonly index?: unknown;
  },
): string {
  const { height, width, channels, mean, deviation } = encoder.image;
  const entries = Object.entries(evaluation ?? {});
  const measures = rowsOf(entries);
  const { origin, searches } = history ?? { origin: {}, searches: [] };
  const leaks = entries.filter(([name, value]) => leakNames.includes(name) && value !== null);
  return [
    `# Encoder of ${markdownText(run)}`,
    '',
    `A ${markdownText(encoder.encoder.name)} ${originText(encoder, origin)}${adapterText(encoder)}${classifier ? `, with a linear classifier of ${classifier.classes.length} classes on top` : ''}.${classifier?.unseenClasses ? ` ${times(classifier.unseenClasses, 'more class', 'more classes')} of its data set ${classifier.unseenClasses === 1 ? 'was' : 'were'} never trained on, and never is its answer.` : ''}`,
    '',
    '## How to call it',
    '',
    '```python',
    'import tensorflow as tf',
    'model = tf.saved_model.load("saved_model").signatures["serving_default"]',
    `out = model(images=images)  # uint8 [n, ${height}, ${width}, ${channels}]`,
    '```',
    '',
    'or, with ONNX Runtime in place of TensorFlow:',
    '',
    '```python',
    'import onnxruntime',
    'model = onnxruntime.InferenceSession("model.onnx")',
    '(embedding, *rest) = model.run(None, {"images": images})',
    '```',
    '',
    `- \`images\`: uint8 [n, ${height}, ${width}, ${channels}], 0 to 255. Normalisation is inside: (pixel / 255 - [${mean.map((value) => value.toFixed(4))}]) / [${deviation.map((value) => value.toFixed(4))}].`,
    `- \`embedding\`: float32 [n, ${encoder.dimension}]. Compare embeddings by cosine similarity.`,
    ...(classifier
      ? [
          `- \`probabilities\`: float32 [n, ${classifier.classes.length}]; \`label\`: the most probable class, by number.`,
          '',
          '| number | class |',
          '|---|---|',
          ...classifier.classes.slice(0, mostNamed).map((name, index) => `| ${index} | ${markdownText(name)} |`),
          ...(classifier.classes.length > mostNamed
            ? [
                '',
                `The other ${classifier.classes.length - mostNamed} are in \`model.json\`, in the order of their numbers.`,
              ]
            : []),
        ]
      : []),
    ...formLines(encoder),
    '',
    ...(index === undefined ? [] : indexLines),
    '## What was measured',
    '',
    ...(measures.length > 0
      ? [
          'On test images that nothing before had looked at:',
          '',
          '| measure | value |',
          '|---|---|',
          ...measures,
          ...(leaks.length > 0
            ? [
                '',
                `Test images that show what a training image shows are counted as ${leaks.map(([name]) => `\`${name}\``).join(', ')}. ${leakText}`,
              ]
            : []),
        ]
      : searches.length > 0
        ? []
        : ['The run evaluated nothing.']),
    ...searches.flatMap(searchLines),
    '',
    '## Where it comes from',
    '',
    ...(encoder.dataset === undefined ? [] : [`- Data set: SHA-256 ${encoder.dataset}`]),
    ...(encoder.adapter ? [`- Data set of the adapter: SHA-256 ${encoder.adapter.dataset.digest}`] : []),
    ...(encoder.dataset === undefined
      ? [
          `- ${origin.weights ? `Weights: ${code(origin.weights.name)},` : 'File of weights:'} SHA-256 ${encoder.trainingState}`,
        ]
      : [
          `- Training state: SHA-256 ${encoder.trainingState}`,
          ...(encoder.batchNormImages > 0
            ? [`- Batch-norm statistics taken over ${encoder.batchNormImages} training images.`]
            : []),
          ...trainedLines(origin),
        ]),
    `- ${classifier ? '`encoder.safetensors` and `classifier.safetensors` hold' : '`encoder.safetensors` holds'} the weights by layer name; \`model.json\` holds the settings.`,
    '',
  ].join('\n');
}

const rowsOf = (measured: readonly (readonly [string, number | null])[]): string[] =>
  measured.map(
    ([name, value]) => `| ${markdownText(name)} | ${value === null ? 'not measured' : figureOf(name, value)} |`,
  );

/** A retrieval, which measures an encoder without a classifier. */
const searchLines = ({ step, measures }: EncoderHistory['searches'][number]): string[] => [
  '',
  `By search, each image among others (step ${markdownText(step)}):`,
  '',
  '| measure | value |',
  '|---|---|',
  ...rowsOf(Object.entries(measures)),
];

/** Text between backticks, which it must not have itself. */
const code = (text: string) => `\`${text.replaceAll('`', "'")}\``;

/** How weights from elsewhere were treated, and which of the weights the encoder is. */
function trainedLines({ weights, frozen, averaged }: Origin): string[] {
  const digest = weights?.sha256 ? `, SHA-256 ${weights.sha256}` : '';
  return [
    ...(weights ? [`- Weights that it started from: ${code(weights.name)}${digest}`] : []),
    ...(frozen === undefined ? [] : [`- Stages that were not trained: ${frozenText(frozen)}.`]),
    ...(averaged === undefined
      ? []
      : [`- The weights are an exponential moving average of the trained ones, with a decay of ${averaged}.`]),
  ];
}
