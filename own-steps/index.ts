export { type ProgramRun, runProgram } from './program.ts';
export { type Code, codeOf, readSources, storeCode } from './sources.ts';
export { withUnpacked } from './unpack.ts';
