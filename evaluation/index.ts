export { evaluate } from './evaluate.ts';
export { learningCurve } from './learning-curve.ts';
export { linearProbe } from './linear-probe.ts';
export { outOfDistribution } from './out-of-distribution.ts';
export { robustness } from './robustness.ts';
