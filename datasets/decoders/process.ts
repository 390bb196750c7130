import { readHeaderHere } from './header.ts';
import type { DecoderSaid, DecodeWork } from './messages.ts';
import { decodeHere } from './pixels.ts';
import { smallPictureHere } from './small-picture.ts';

/** A process that decodes what may take for ever, or end it. It does one thing at a time, and is killed where that takes too long. */
process.title = 'contrail decoder';

// Whoever decodes cannot be asked to stop, and nobody is there any more.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

const say = (said: DecoderSaid) => process.send?.(said);

process.on('message', (work: DecodeWork) => {
  resultOf(work).then(
    (result) => say({ type: 'done', result }),
    (error: unknown) => say({ type: 'refused', message: error instanceof Error ? error.message : String(error) }),
  );
});
say({ type: 'ready' });

function resultOf(work: DecodeWork): Promise<unknown> {
  switch (work.do) {
    case 'header':
      return readHeaderHere(work.image);
    case 'pixels':
      return decodeHere(work.content, work.header, work.form, work.failOn);
    case 'small-picture':
      return smallPictureHere(work.content);
  }
}
