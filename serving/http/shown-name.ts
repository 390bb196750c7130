import { visible } from '../../contracts/visible-text.ts';

const shownCharacters = 60;

/** A name out of a request, as a message shows it. */
export const shownName = (name: string): string => visible(name.slice(0, shownCharacters));
