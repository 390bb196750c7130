/**
 * Images that are computed at once. Each size is a graph of its own, recorded when it is first used; what fills a batch up is
 * left out of the answer. In batches of one size an image gives the same bits whatever is beside it. There is no batch of one image, whose
 * products TensorFlow adds up in another order even for small encoders.
 */
export const inferenceSizes = [2, 4, 8, 16, 32, 128] as const;
