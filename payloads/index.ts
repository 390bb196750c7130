export { decodeEncrypted, isEncrypted, keyIdOf, payloadCodec } from './codec.ts';
export { dataConverterOf, failureConverterPath, listingConverter } from './data-converter.ts';
export { keysVariable, type PayloadKeys, payloadKeys } from './keys.ts';
export { placeOf } from './place.ts';
