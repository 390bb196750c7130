import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporalSettings } from '../../cli/temporal-settings.ts';
import { certificatesIn, usualCertificates } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'contrail-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** Nothing of the settings of who runs the tests. */
const settings = (environment: NodeJS.ProcessEnv) => temporalSettings({ XDG_CONFIG_HOME: folder, ...environment });

function messageOf(environment: NodeJS.ProcessEnv): string {
  try {
    settings(environment);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return '';
}

describe('variables of Temporal', () => {
  it.each([
    ['TEMPORAL_TLS_CA_PATH', 'There is no variable TEMPORAL_TLS_CA_PATH'],
    ['TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_CLIENT_CERT_PATH'],
    ['TEMPORAL_TLS_DISABLE_HOST_VERIFICATION', 'There is no variable'],
    ['TEMPORAL_ADRESS', 'Did you mean TEMPORAL_ADDRESS?'],
    ['TEMPORAL_ADDR', 'Did you mean TEMPORAL_ADDRESS?'],
    ['TEMPORAL_APIKEY', 'Did you mean TEMPORAL_API_KEY?'],
    ['TEMPORAL_NAMESPACES', 'Did you mean TEMPORAL_NAMESPACE?'],
    ['TEMPORALTLS', 'Did you mean TEMPORAL_TLS?'],
  ])('%s, which nobody reads, is refused by name', (name, said) => {
    expect(() => settings({ [name]: 'x' })).toThrow(said);
  });

  it.each(['sesame\n', 'ses\name', 'my sesame', 'schl\u00fcssel'])(
    'a key that no header can hold is refused, and not quoted: %j',
    (key) => {
      const said = messageOf({ TEMPORAL_API_KEY: key });
      expect(said).toMatch(/^TEMPORAL_API_KEY holds a line break, a space or another character/);
      expect(said).not.toContain(key.trim());
    },
  );

  it('a password in the address is refused, and not quoted', () => {
    const said = messageOf({ TEMPORAL_ADDRESS: 'me:password@host:7233' });
    expect(said).toContain('TEMPORAL_ADDRESS must be host:port, without a user or password');
    expect(said).not.toContain('password@');
  });

  it.each([' ', 'http://host:7233', 'host:0', 'host:99999', 'host:', 'host:x', '::1', 'a b:1'])(
    'an address that is none is refused: %j',
    (address) => expect(messageOf({ TEMPORAL_ADDRESS: address })).toContain('it must be host or host:port'),
  );

  it.each(['host', 'host:7233', '127.0.0.1:1', '[::1]:7233', 'my-team.a1b2.tmprl.cloud:7233'])(
    'an address is taken: %s',
    (address) => expect(settings({ TEMPORAL_ADDRESS: address }).connectionOptions.address).toContain(address),
  );

  it.each([
    'TEMPORAL_SERVICE_HOST',
    'TEMPORAL_SERVICE_PORT',
    'TEMPORAL_SERVICE_PORT_GRPC_RPC',
    'TEMPORAL_PORT',
    'TEMPORAL_PORT_7233_TCP',
    'TEMPORAL_PORT_7233_TCP_ADDR',
    'TEMPORAL_TLS_SERVICE_HOST',
    'TEMPORAL_TLS_PORT_7233_TCP_PROTO',
    'TEMPORAL_FRONTEND_SERVICE_PORT',
    'TEMPORAL_ENV',
    'TEMPORAL_DEBUG',
    'TEMPORAL_GRPC_META_TEAM',
    'PATH',
  ])('%s is that of Kubernetes or of another program, and left alone', (name) => {
    expect(settings({ [name]: 'x' })).toMatchObject({ namespace: 'default', named: false });
  });

  it('that are empty, or no truth value, are refused', () => {
    expect(() => settings({ TEMPORAL_ADDRESS: '' })).toThrow('TEMPORAL_ADDRESS is empty');
    expect(() => settings({ TEMPORAL_TLS: 'yes' })).toThrow('TEMPORAL_TLS is yes; allowed: 1, true, 0, false.');
  });

  it('that name a certificate without its key, or a file that is not there, are refused by name', () => {
    const certificate = join(folder, 'client.pem');
    writeFileSync(certificate, 'x');
    expect(() => settings({ TEMPORAL_TLS_CLIENT_CERT_PATH: certificate })).toThrow(
      'TEMPORAL_TLS_CLIENT_KEY_PATH is missing',
    );
    const missing = join(folder, 'ca.pem');
    expect(() => settings({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: missing })).toThrow(
      `TEMPORAL_TLS_SERVER_CA_CERT_PATH: there is no file ${missing}.`,
    );
  });

  it('that switch TLS off beside certificates are refused: nobody means to have those passed over', () => {
    const file = join(folder, 'ca-here.pem');
    writeFileSync(file, 'x');
    const said = messageOf({ TEMPORAL_ADDRESS: 'a:1', TEMPORAL_TLS: 'false', TEMPORAL_TLS_SERVER_CA_CERT_PATH: file });
    expect(said).toBe(
      'TEMPORAL_TLS is false, and TEMPORAL_TLS_SERVER_CA_CERT_PATH would be passed over. Unset one or the other.',
    );
  });

  it.each([{ TEMPORAL_TLS: 'true' }, { TEMPORAL_API_KEY: 'secret' }])(
    'that want TLS and name no server are refused, since that of this machine is asked in clear: %j',
    (environment) => expect(messageOf(environment)).toContain('no server is named'),
  );

  it('send an API key in clear to this machine only', () => {
    const clear = { TEMPORAL_API_KEY: 'secret', TEMPORAL_TLS: 'false' };
    expect(() => settings({ ...clear, TEMPORAL_ADDRESS: 'temporal.example:7233' })).toThrow(
      'The API key would go to temporal.example:7233 in clear',
    );
    expect(() => settings({ ...clear, TEMPORAL_ADDRESS: '127.0.0.1.example:7233' })).toThrow('in clear');
    for (const address of ['127.0.0.1:7233', 'localhost:7233', '[::1]:7233', 'localhost'])
      expect(settings({ ...clear, TEMPORAL_ADDRESS: address }).named).toBe(true);
    const secure = settings({ TEMPORAL_API_KEY: 'secret', TEMPORAL_ADDRESS: 'temporal.example:7233' });
    expect(secure.connectionOptions.tls).toBe(true);
  });

  describe('that name files', () => {
    const { at, openssl } = certificatesIn(folder);
    beforeAll(() => {
      usualCertificates(folder);
      openssl('x509', '-in', 'ca.pem', '-outform', 'der', '-out', 'ca.der');
      openssl('pkey', '-in', 'client.key', '-aes256', '-passout', 'pass:sesame', '-out', 'locked.key');
      writeFileSync(at('nothing.pem'), '');
      writeFileSync(at('half.pem'), readFileSync(at('ca.pem'), 'latin1').replace(/\n.{30}/, '\n'));
      writeFileSync(at('half.key'), readFileSync(at('client.key'), 'latin1').replace(/\n.{30}/, '\n'));
      writeFileSync(at('chain.pem'), ['client.pem', 'ca.pem'].map((name) => readFileSync(at(name), 'latin1')).join(''));
      writeFileSync(at('large.pem'), Buffer.alloc(2 ** 20 + 1));
      mkdirSync(at('folder.pem'));
      symlinkSync('loop.pem', at('loop.pem'));
    });
    const ca = (file: string) => messageOf({ TEMPORAL_ADDRESS: 'a:1', TEMPORAL_TLS_SERVER_CA_CERT_PATH: at(file) });
    const pair = (certificate: string, key: string) =>
      messageOf({
        TEMPORAL_ADDRESS: 'a:1',
        TEMPORAL_TLS_CLIENT_CERT_PATH: at(certificate),
        TEMPORAL_TLS_CLIENT_KEY_PATH: at(key),
      });

    it('take a certificate, with its issuers as well, and its key', () => {
      expect([
        ca('ca.pem'),
        ca('chain.pem'),
        pair('client.pem', 'client.key'),
        pair('chain.pem', 'client.key'),
      ]).toEqual(['', '', '', '']);
    });

    it.each([
      ['absent.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH: there is no file .*absent\.pem\.$/],
      ['folder.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH: .*folder\.pem is no file\.$/],
      ['loop.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH: .*loop/],
      ['large.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH: .* is larger than any certificate/],
      ['nothing.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH has no certificate in PEM/],
      ['ca.der', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH has no certificate in PEM.*`openssl x509 -inform der/],
      ['ca.key', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH has no certificate in PEM/],
      ['half.pem', /^TEMPORAL_TLS_SERVER_CA_CERT_PATH is damaged: its certificate 1 of 1 cannot be read\.$/],
    ])('refuse %s as the certificate of an authority', (file, said) => expect(ca(file)).toMatch(said));

    it.each([
      ['client.pem', 'unknown.key', /_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH do not belong together/],
      ['client.pem', 'client.pem', /^TEMPORAL_TLS_CLIENT_KEY_PATH has no private key in PEM/],
      ['client.pem', 'locked.key', /^TEMPORAL_TLS_CLIENT_KEY_PATH has a key with a passphrase/],
      ['client.pem', 'half.key', /^TEMPORAL_TLS_CLIENT_KEY_PATH is damaged: its private key cannot be read\.$/],
      ['client.key', 'client.key', /^TEMPORAL_TLS_CLIENT_CERT_PATH has no certificate in PEM/],
    ])('refuse %s and %s as those of a client', (certificate, key, said) =>
      expect(pair(certificate, key)).toMatch(said),
    );

    it.runIf(process.getuid?.() !== 0)('refuse one that may not be read', () => {
      writeFileSync(at('closed.pem'), 'x', { mode: 0 });
      expect(ca('closed.pem')).toMatch(/^TEMPORAL_TLS_SERVER_CA_CERT_PATH: .*closed\.pem/);
    });

    it('name the setting where a file of settings has the certificate', () => {
      const file = at('tls.toml');
      writeFileSync(
        file,
        `[profile.default]\naddress = "a:1"\n[profile.default.tls]\nserver_ca_cert_path = "${at('nothing.pem')}"\n`,
      );
      expect(messageOf({ TEMPORAL_CONFIG_FILE: file })).toContain(
        "SERVER_CA_CERT of Temporal's file of settings has no certificate in PEM",
      );
    });
  });

  it('say less than a file of settings that is read unasked: it names no server', () => {
    const file = join(folder, 'settings.toml');
    writeFileSync(file, '[profile.default]\naddress = "work.example:7233"\n');
    expect(settings({ TEMPORAL_CONFIG_FILE: file })).toMatchObject({
      connectionOptions: { address: 'work.example:7233' },
      named: true,
    });
    expect(settings({}).named).toBe(false);
  });
});
