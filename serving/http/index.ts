export { isLoopback } from './guard.ts';
export { defaultLimits, type ServeLimits } from './limits.ts';
export { type ServeOptions, type Serving, serveModel } from './serve.ts';
