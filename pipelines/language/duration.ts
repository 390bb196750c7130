export { milliseconds } from '../../contracts/duration.ts';
