import { beatForever } from './beats.ts';

/** The thread of a process of a model that shows that the process runs. */
beatForever();
