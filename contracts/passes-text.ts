/** How often an epoch goes through the training images: `6.4 times`. */
export const passesText = (passes: number): string => `${Number(passes.toPrecision(passes < 10 ? 2 : 3))} times`;
