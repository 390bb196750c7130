/** The key of the stored histories in test/histories/encrypted, and of the run that is recorded there. It guards nothing. */
export const historyKeys = `tests:${Buffer.alloc(32, 7).toString('base64')}`;
