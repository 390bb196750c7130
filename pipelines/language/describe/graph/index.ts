export { graphAsMermaid } from './mermaid.ts';
export { type Graph, graphOf, type StepProgress } from './model.ts';
export { graphAsSvg } from './svg.ts';
export { graphAsText, type Paint } from './text.ts';
