import protobuf from 'protobufjs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Evaluation } from '../../../contracts/evaluation.ts';
import { crc32c } from '../../../report/tensorboard/crc32c.ts';
import { evaluationFile } from '../../../report/tensorboard/evaluation-files.ts';
import { evaluationPictures } from '../../../report/tensorboard/evaluation-pictures.ts';
import { encodeEventFile, pictures } from '../../../report/tensorboard/events.ts';
import { projectorFiles } from '../../../report/tensorboard/projector-files.ts';
import { type BoardFile, endFile, epochFile, settingsFile } from '../../../report/tensorboard/training-files.ts';
import { complete } from '../complete.ts';

/** The part of TensorFlow's and TensorBoard's messages that event files of a training hold. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
  message Summary { repeated SummaryValue value = 1; }
  message SummaryValue { string tag = 1; float simple_value = 2; Image image = 4; Tensor tensor = 8; Metadata metadata = 9; }
  message Image { int32 height = 1; int32 width = 2; bytes encoded_image_string = 4; }
  message Tensor { int32 dtype = 1; Shape tensor_shape = 2; repeated float float_val = 5; }
  message Shape {}
  message Metadata { PluginData plugin_data = 1; }
  message PluginData { string plugin_name = 1; bytes content = 2; }
  message HParams { int32 version = 1; Start session_start_info = 3; End session_end_info = 4; }
  message Start { map<string, Value> hparams = 1; double start_time_secs = 5; }
  message End { int32 status = 1; double end_time_secs = 2; }
  message Value { oneof kind { double number_value = 2; string string_value = 3; bool bool_value = 4; } }
`);
const read = (type: string, bytes: Uint8Array) =>
  root.lookupType(type).toObject(root.lookupType(type).decode(bytes), { longs: Number });

const bytesOf = ({ content }: BoardFile) =>
  content instanceof Uint8Array ? content : new Uint8Array(Buffer.concat([...content]));

/** Takes the frames off, and checks both checksums of each. */
function eventsOf(file: BoardFile) {
  const bytes = Buffer.from(bytesOf(file));
  const masked = (part: Uint8Array) => {
    const value = BigInt(crc32c(part));
    return Number((((value >> 15n) | (value << 17n)) + 0xa282ead8n) & 0xffffffffn);
  };
  const unmasked32 = (value: number) => value >>> 0;
  const events = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const record = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 8)).toBe(unmasked32(masked(bytes.subarray(at, at + 8))));
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(unmasked32(masked(record)));
    events.push(read('Event', record));
    at += 16 + length;
  }
  return events;
}

const metrics = { loss: 4.25, learningRate: 0.001, imagesPerSecond: 1000, seconds: 60, collapsedLoss: 5.5 };

describe('event files', () => {
  it('have the checksum of RFC 3720', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(new Uint8Array())).toBe(0);
  });

  it('of an epoch hold its version and its numbers, at the epoch', () => {
    const [version, numbers] = eventsOf(epochFile(1000.5, 300, metrics));
    expect(version).toMatchObject({ wallTime: 1000.5, fileVersion: 'brain.Event:2' });
    expect(numbers).toMatchObject({ wallTime: 1000.5, step: 300 });
    const values = numbers?.summary.value.map(({ tag, simpleValue }: Record<string, unknown>) => [tag, simpleValue]);
    expect(values).toEqual([
      ['loss', 4.25],
      ['learning rate', Math.fround(0.001)],
      ['images per second', 1000],
      ['seconds per epoch', 60],
      ['loss if collapsed', 5.5],
    ]);
  });

  it('are read in the order in which they were written, also when a training is made longer', () => {
    const names = [
      settingsFile(1, {}),
      ...[1, 2, 9, 10].map((epoch) => epochFile(1, epoch, metrics)),
      endFile(1, 10),
      epochFile(1, 11, metrics),
    ].map(({ name }) => name);
    expect(names.toSorted()).toEqual(names);
    for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\.[a-z.]+$/);
  });

  it('of a training begin with its settings by path, and end with its success', () => {
    const parameters = {
      batch: 256,
      engine: 'graph',
      optimizer: { name: 'sgd', nesterov: true },
      encoder: { blocks: [1, 2] },
      checkpoint: { keep: { last: 2 } },
    };
    const pluginData = (file: BoardFile) => {
      const [value] = eventsOf(file)[1]?.summary.value ?? [];
      expect(value).toMatchObject({
        tensor: { dtype: 1, floatVal: [0] },
        metadata: { pluginData: { pluginName: 'hparams' } },
      });
      return { tag: value.tag, ...read('HParams', value.metadata.pluginData.content) };
    };
    expect(pluginData(settingsFile(7, parameters))).toMatchObject({
      tag: '_hparams_/session_start_info',
      sessionStartInfo: {
        startTimeSecs: 7,
        hparams: {
          batch: { numberValue: 256 },
          engine: { stringValue: 'graph' },
          'optimizer.name': { stringValue: 'sgd' },
          'optimizer.nesterov': { boolValue: true },
          'encoder.blocks': { stringValue: '1 2' },
        },
      },
    });
    expect(JSON.stringify(pluginData(settingsFile(7, parameters)))).not.toContain('checkpoint');
    expect(pluginData(endFile(9, 10))).toMatchObject({
      tag: '_hparams_/session_end_info',
      sessionEndInfo: { status: 1, endTimeSecs: 9 },
    });
  });
});

describe('pictures of an evaluation', () => {
  const evaluation = {
    classes: ['shirt', 'coat'],
    confusion: [
      [3, 1],
      [0, 4],
    ],
    worst: [{ row: 5, label: 0, predicted: 1, confidence: 0.9 }],
  } as unknown as Evaluation;
  const mistakes = { pixels: Uint8Array.of(10, 20, 30, 40), height: 2, width: 2, channels: 1 } as const;

  it('are its confusion matrix and its worst mistakes, as PNG of the size that the event says', async () => {
    const drawn = await evaluationPictures('evaluate', evaluation, mistakes);
    const content = encodeEventFile(1, [pictures({ wallTime: 1, step: 7 }, drawn)]);
    const [, event] = eventsOf({ name: 'pictures', content });
    expect(event).toMatchObject({ step: 7 });
    const values: { tag: string; image: { width: number; height: number; encodedImageString: Uint8Array } }[] =
      event?.summary.value;
    expect(values.map(({ tag }) => tag)).toEqual(['test/confusion matrix', 'test/worst mistakes']);
    for (const { image } of values) {
      const { format, width, height } = await sharp(image.encodedImageString).metadata();
      expect({ format, width, height }).toEqual({ format: 'png', width: image.width, height: image.height });
    }
    const { data, info } = await sharp(values[1]?.image.encodedImageString).raw().toBuffer({ resolveWithObject: true });
    expect(Array.from({ length: 4 }, (_, pixel) => data[pixel * info.channels])).toEqual([10, 20, 30, 40]);
  });

  it('have no mistakes where none were made', async () => {
    const none = { ...mistakes, pixels: new Uint8Array() };
    const drawn = await evaluationPictures('evaluate', { ...evaluation, worst: [] }, none);
    expect(Object.keys(drawn)).toEqual(['test/confusion matrix']);
  });
});

it('the projector gets points, their classes, and a picture that holds their images', async () => {
  const images = { pixels: Uint8Array.from([10, 20, 30, 40, 50, 60]), height: 1, width: 2, channels: 1 } as const;
  const embedding = new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer);
  const files = await projectorFiles({
    embedding,
    count: 3,
    dimension: 2,
    rows: Int32Array.of(0, 5, 9),
    classes: ['shirt', 'long\tcoat', 'shirt'],
    images,
  });
  const content = (name: string) => bytesOf(files.find((file) => file.name === name) as BoardFile);
  expect(content('embedding.bytes')).toEqual(embedding);
  expect(new TextDecoder().decode(content('metadata.tsv'))).toBe('class\trow\nshirt\t0\nlong coat\t5\nshirt\t9\n');
  const { data, info } = await sharp(content('sprite.png')).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([4, 2]);
  const reds = Array.from({ length: 8 }, (_, pixel) => data[pixel * info.channels]);
  expect(reds).toEqual([10, 20, 30, 40, 50, 60, 0, 0]);
  const configuration = new TextDecoder().decode(content('projector_config.pbtxt'));
  expect(configuration).toContain('tensor_shape: 3\n  tensor_shape: 2');
  expect(configuration).toContain('single_image_dim: 2\n    single_image_dim: 1');
});

describe('the event file of an evaluation', () => {
  const tagsOf = (evaluation: Evaluation) => {
    const events = eventsOf(evaluationFile(1, 3, evaluation, {})) as { summary?: { value?: Json[] } }[];
    return new Map(
      events.flatMap(({ summary }) => summary?.value ?? []).map(({ tag, simpleValue }) => [tag, simpleValue]),
    );
  };
  interface Json {
    readonly tag: string;
    readonly simpleValue: number;
  }
  const { evaluation } = complete.evaluations[0] as (typeof complete.evaluations)[number];

  it('has the accuracy with images that leak beside that without, and how many there are of a kind', () => {
    const tags = tagsOf(evaluation);
    expect(tags.get('test/top-1 accuracy')).toBe(Math.fround(evaluation.top1 ?? 0));
    expect(tags.get('test/top-1 accuracy with images that leak')).toBe(Math.fround(evaluation.all?.top1 ?? 0));
    expect(tags.get('test/top-1 accuracy without images that leak')).toBe(Math.fround(evaluation.top1 ?? 0));
    expect([tags.get('leaks/exact'), tags.get('leaks/near'), tags.has('leaks/embedding')]).toEqual([1, 2, false]);
  });

  it('has no more than the accuracy where nothing leaks or nothing tells', () => {
    const { leaks, ...untold } = evaluation;
    const clean = { ...untold, leaks: leaks && { ...leaks, exact: 0, near: 0, pairs: [] } };
    for (const each of [untold, clean]) expect([...tagsOf(each).keys()].join()).not.toContain('leak');
  });
});
