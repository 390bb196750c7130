import { extname } from 'node:path';
import { ContrailError } from '../../contracts/errors.ts';
import type { ImagesToEmbed } from '../../contracts/kinds/embed-images.ts';
import { listFolder } from './folder.ts';
import type { ImageListing, ListingOptions } from './listing.ts';
import { listTable } from './table.ts';

export type { ImageListing, ListedImage, ListingOptions } from './listing.ts';

const tables = new Set(['.csv', '.tsv', '.jsonl', '.ndjson', '.parquet']);

/**
 * Finds images that belong to no data set, in a folder of any layout or in a table, with the digest of each. No image is decoded.
 *
 * @throws ContrailError InvalidDataset where the folder or table cannot be read; ConnectionFailed where more images than may be
 * missing could not be fetched for reasons that pass
 */
export async function listImages(images: ImagesToEmbed, options: ListingOptions): Promise<ImageListing> {
  const isTable = tables.has(extname(images.path).toLowerCase());
  const foreign = isTable ? images.labels === 'folder' && 'labels: folder' : folderTakesNo(images);
  if (foreign)
    throw new ContrailError(
      'InvalidInput',
      `\`${foreign}\` is for a ${isTable ? 'folder' : 'table (.csv, .tsv, .jsonl, .parquet)'}, and ${images.path} is a ${isTable ? 'table' : 'folder'}.`,
    );
  return isTable ? listTable(images, options) : listFolder(images, options);
}

const folderTakesNo = ({ columns, allowUrls }: ImagesToEmbed) =>
  (columns && 'columns') || (allowUrls !== undefined && 'allowUrls');
