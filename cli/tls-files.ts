import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { ClientConnectConfig } from '@temporalio/envconfig';

type Tls = NonNullable<ClientConnectConfig['connectionOptions']['tls']>;

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** What is wrong with certificates and keys, each under the name of the setting that has it; nothing where all is well. */
export function tlsProblems(tls: Tls | null | undefined, nameOf: (setting: string) => string): string[] {
  if (!tls || tls === true) return [];
  const { serverRootCACertificate, clientCertPair } = tls;
  const ca = nameOf('SERVER_CA_CERT');
  const problems = serverRootCACertificate ? certificateProblems(Buffer.from(serverRootCACertificate), ca) : [];
  if (!clientCertPair) return problems;
  const [certificate, keyName] = [nameOf('CLIENT_CERT'), nameOf('CLIENT_KEY')];
  const crt = Buffer.from(clientCertPair.crt);
  const own = certificateProblems(crt, certificate);
  const key = keyIn(Buffer.from(clientCertPair.key), keyName);
  const matches = typeof key === 'string' || own.length > 0 || new X509Certificate(crt).checkPrivateKey(key);
  return [
    ...problems,
    ...own,
    ...(typeof key === 'string' ? [key] : []),
    ...(matches
      ? []
      : [`${certificate} and ${keyName} do not belong together: the key is that of another certificate.`]),
  ];
}

/** A file may have several, the issuers of the first say; each must be one. */
function certificateProblems(bytes: Buffer, name: string): string[] {
  const blocks = bytes.toString('latin1').match(certificateBlock) ?? [];
  if (blocks.length === 0)
    return [`${name} has no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----. ${howToConvert}`];
  const broken = blocks.findIndex((block) => {
    try {
      return !new X509Certificate(block);
    } catch {
      return true;
    }
  });
  return broken < 0 ? [] : [`${name} is damaged: its certificate ${broken + 1} of ${blocks.length} cannot be read.`];
}

const howToConvert = 'Where it is DER, `openssl x509 -inform der -in <file> -out <file>.pem` makes one.';

/** A key, or what is wrong with it, without a word of it. */
function keyIn(bytes: Buffer, name: string): KeyObject | string {
  const text = bytes.toString('latin1');
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return `${name} has no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----.`;
  if (/BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/.test(text))
    return `${name} has a key with a passphrase, which nobody could be asked for. \`openssl pkey -in <file> -out <new file>\` takes it off.`;
  try {
    return createPrivateKey(bytes);
  } catch {
    return `${name} is damaged: its private key cannot be read.`;
  }
}
