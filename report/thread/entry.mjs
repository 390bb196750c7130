import { register } from 'tsx/esm/api';

// A thread does not inherit the main thread's loader for TypeScript in every way that one can be set.
register();
await import('./thread.ts');
