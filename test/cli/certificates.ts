import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Makes certificates in a folder, by openssl. `name` is both `<name>.pem`, the certificate, and `<name>.key`. */
export interface CertificateMaker {
  readonly at: (file: string) => string;
  readonly openssl: (...args: string[]) => void;
  /** A certificate that signs itself. */
  readonly authority: (name: string) => void;
  /** One that an authority signed, with an extension of X.509, valid for so many days; negative: of the past. */
  readonly issue: (name: string, extension: string, authority: string, days: number) => void;
}

export function certificatesIn(folder: string): CertificateMaker {
  const at = (file: string) => join(folder, file);
  const openssl = (...args: string[]) => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  /** What `openssl req` needs to make a key of its own, and to ask for or sign a certificate of this name. */
  const newKey = (name: string) => [
    ...['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
    ...['-keyout', `${name}.key`, '-subj', `/CN=${name}`],
  ];
  return {
    at,
    openssl,
    authority: (name) => openssl('req', '-x509', ...newKey(name), '-out', `${name}.pem`, '-days', '2'),
    issue: (name, extension, authority, days) => {
      writeFileSync(at(`${name}.ext`), extension);
      openssl('req', ...newKey(name), '-out', `${name}.csr`);
      const signing = [
        '-CA',
        `${authority}.pem`,
        '-CAkey',
        `${authority}.key`,
        '-CAcreateserial',
        '-days',
        String(days),
      ];
      openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.pem`, '-extfile', `${name}.ext`);
    },
  };
}

/** What a server and a client need: a CA, a certificate of it for localhost, one of yesterday, one of a client; and a CA that nobody knows. */
export function usualCertificates(folder: string): CertificateMaker {
  const maker = certificatesIn(folder);
  for (const name of ['ca', 'stranger']) maker.authority(name);
  maker.issue('server', 'subjectAltName=DNS:localhost\n', 'ca', 2);
  maker.issue('old', 'subjectAltName=DNS:localhost\n', 'ca', -1);
  maker.issue('client', 'extendedKeyUsage=clientAuth\n', 'ca', 2);
  maker.issue('unknown', 'extendedKeyUsage=clientAuth\n', 'stranger', 2);
  return maker;
}
