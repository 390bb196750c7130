import { asCell } from '../../contracts/spreadsheet.ts';
import type { ImageRows } from '../../datasets/index.ts';
import { spriteOf } from './sprite.ts';
import type { BoardFile } from './training-files.ts';

/** Embeddings as the projector shows them: points with a class each, and their images. */
export interface Projection {
  /** float32 [count, dimension], as bytes in the order of this machine, which is little-endian */
  readonly embedding: Uint8Array;
  readonly count: number;
  readonly dimension: number;
  /** Of the test split, by point. */
  readonly rows: Int32Array;
  /** By point. */
  readonly classes: readonly string[];
  readonly images: ImageRows;
}

/** The files that TensorBoard's projector shows beside the event files of a folder. The configuration comes last. */
export async function projectorFiles({
  embedding,
  count,
  dimension,
  rows,
  classes,
  images,
}: Projection): Promise<BoardFile[]> {
  const sprite = await spriteOf(images, count);
  const lines = classes.map((name, point) => `${asCell(name.replaceAll(/[\t\r\n]/g, ' '))}\t${rows[point] ?? ''}`);
  const configuration = `embeddings {
  tensor_name: "embedding"
  tensor_shape: ${count}
  tensor_shape: ${dimension}
  tensor_path: "embedding.bytes"
  metadata_path: "metadata.tsv"
  sprite {
    image_path: "sprite.png"
    single_image_dim: ${sprite.imageWidth}
    single_image_dim: ${sprite.imageHeight}
  }
}
`;
  const text = (content: string) => new TextEncoder().encode(content);
  return [
    { name: 'embedding.bytes', content: embedding },
    { name: 'metadata.tsv', content: text(`class\trow\n${lines.join('\n')}\n`) },
    { name: 'sprite.png', content: sprite.png },
    { name: 'projector_config.pbtxt', content: text(configuration) },
  ];
}
