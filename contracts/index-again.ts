/** What brings a model to an index of images, for a sentence that begins before it. */
export const indexAgain = (model = '<model>'): string =>
  `embed the images with \`contrail embed <images> --model ${model} --to <file>\`, then \`contrail index build ${model} --from <run>\` of that run`;
