import { count, times } from '../contracts/counted.ts';
import { ContrailError } from '../contracts/errors.ts';
import { allFinite } from './direction.ts';

/**
 * @param queries float32 [n, dimension]
 * @throws ContrailError InvalidInput for queries of another dimension or with NaN
 */
export function checkQueries(queries: Float32Array, dimension: number): void {
  if (queries.length % dimension !== 0)
    throw new ContrailError(
      'InvalidInput',
      `Queries have ${times(queries.length, 'number')}, which is not a multiple of the index's dimension, ${count(dimension)}.`,
    );
  if (!allFinite(queries))
    throw new ContrailError('InvalidInput', 'A query has a number that is infinite or not a number.');
}
