/** As the other targets; it trains a model first. */
import { it } from 'vitest';
import { shortRun } from './short-run.ts';
import { serve } from './targets/http.ts';

const run = shortRun();

it('HTTP requests to a server of a model', () => run(serve));
