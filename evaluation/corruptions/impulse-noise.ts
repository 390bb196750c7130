import { type Corruption, constantOf } from './image.ts';

/** Share of the values that are struck, as in CIFAR-10-C. */
const shares = [0.01, 0.02, 0.03, 0.05, 0.07] as const;

/** Turns some values into 0 or 255, either equally likely: dead and stuck cells. */
export const impulseNoise: Corruption = (severity) => {
  const share = constantOf(shares, severity);
  return (image, _, draw) =>
    image.map((value, at) => {
      const drawn = draw(at);
      return drawn >= share ? value : drawn < share / 2 ? 0 : 255;
    });
};
