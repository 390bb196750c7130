const shownDigest = 12;

/** An artifact as a person reads it: `dataset 3f2a9b01c4d5`. */
export const shortArtifact = ({ kind, digest }: { readonly kind: string; readonly digest: string }): string =>
  `${kind} ${digest.slice(0, shownDigest)}`;
