/** In the metadata of each object: SHA-256 of its content, in hexadecimal. */
export const digestMark = 'contrail-sha256';

/** In the metadata of each object: what tells its writing from any other. */
export const nonceMark = 'contrail-nonce';
