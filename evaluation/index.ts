export { evaluate } from './evaluate.ts';
export { formatEvaluation } from './format.ts';
export { learningCurve } from './learning-curve.ts';
export { linearProbe } from './linear-probe.ts';
