// What a step of the user's own imports to write a data set. It decodes images, so it is apart from define.ts, which pipelines load.
export {
  createDatasetWriter,
  type DatasetOptions,
  type DatasetWriter,
  type WrittenDataset,
} from '../datasets/dataset-writer.ts';
export type { GivenImage } from '../datasets/given-image.ts';
