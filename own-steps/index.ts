export { describeOwnStep, type OwnStepFile } from './describe.ts';
export { type OwnStepWork, runOwnStep } from './own-step.ts';
export { type ProgramRun, runProgram } from './program.ts';
export { type Code, codeOf, filesAmong, pathOfWord, readSources, storeCode } from './sources.ts';
export { withUnpacked } from './unpack.ts';
