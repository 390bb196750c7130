/** Up to `most` rows of `count`, spread evenly over them, which may be sorted by class. */
export const spreadRows = (count: number, most: number): Int32Array => {
  const taken = Math.min(count, most);
  return Int32Array.from({ length: taken }, (_, index) => Math.floor((index * count) / taken));
};
