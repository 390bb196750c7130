/** A text for people whose numbers have at most four decimals: `${steps.evaluate.result.top1}` may bring sixteen. */
export const withReadableNumbers = (text: string): string =>
  text.replaceAll(/(?<![\w.])-?\d+\.\d{5,}(?!\w|\.\d)/g, (number) => String(Math.round(Number(number) * 1e4) / 1e4));
