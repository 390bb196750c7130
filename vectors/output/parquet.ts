import type { FileHandle } from 'node:fs/promises';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { type Embeddings, eachShard } from './output.ts';

type SchemaElement = ConstructorParameters<typeof ParquetWriter>[0]['schema'][number];

const texts = ['name', 'label', 'group', 'category', 'split'] as const;
const looks = ['brightness', 'contrast', 'saturation'] as const;

const schema: SchemaElement[] = [
  { name: 'root', num_children: texts.length + looks.length + 2 },
  ...texts.map((name): SchemaElement => textColumn(name, name !== 'name')),
  textColumn('sha256', false),
  ...looks.map((name): SchemaElement => ({ name, type: 'FLOAT', repetition_type: 'REQUIRED' })),
  {
    name: 'embedding',
    repetition_type: 'REQUIRED',
    num_children: 1,
    converted_type: 'LIST',
    logical_type: { type: 'LIST' },
  },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
];

function textColumn(name: string, optional: boolean): SchemaElement {
  return {
    name,
    type: 'BYTE_ARRAY',
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
    repetition_type: optional ? 'OPTIONAL' : 'REQUIRED',
  };
}

/**
 * Writes embeddings as Parquet: a row for each image, with its name, label, SHA-256 and `embedding`, a list of float32. A row group has a
 * thousand rows at most. What the embeddings are of stands in the metadata, under the key `contrail`.
 */
export async function writeParquet(file: FileHandle, embeddings: Embeddings): Promise<void> {
  const writer = Object.assign(new ByteWriter(), { flush: async () => flush(writer, file) });
  const parquet = new ParquetWriter({
    writer,
    schema,
    createdBy: 'contrail',
    kvMetadata: [{ key: 'contrail', value: JSON.stringify(embeddings.about) }],
  });
  const { dimension } = embeddings.about;
  for await (const { rows, values } of eachShard(embeddings))
    await parquet.write({
      rowGroupSize: rows.length,
      columnData: [
        ...texts.map((name) => ({ name, data: rows.map((row) => row[name] ?? null) })),
        { name: 'sha256', data: rows.map(({ source }) => source) },
        ...looks.map((name) => ({ name, data: rows.map((row) => row[name]) })),
        {
          name: 'embedding',
          data: rows.map((_, row) => Array.from(values.subarray(row * dimension, (row + 1) * dimension))),
          encoding: 'PLAIN',
          // Floats of this kind do not shrink, and their bounds say nothing.
          codec: 'UNCOMPRESSED',
          statistics: false,
        },
      ],
    });
  await parquet.finish();
  await flush(writer, file);
}

async function flush(writer: ByteWriter, file: FileHandle): Promise<void> {
  await file.writeFile(writer.getBytes());
  writer.index = 0;
}
