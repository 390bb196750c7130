export { evaluate } from './evaluate.ts';
export { formatEvaluation } from './format.ts';
export { linearProbe } from './linear-probe.ts';
