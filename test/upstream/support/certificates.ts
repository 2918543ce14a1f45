/** Self-signed certificates, written as DER by hand: nothing to install, nothing in the repository that expires. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 128
      ? [tag, length]
      : length < 256
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

const oid = (...bytes: number[]): Buffer => der(0x06, Buffer.from(bytes));
const utc = (time: number): Buffer =>
  der(0x17, Buffer.from(new Date(time).toISOString().replace(/[-:T]/g, '').slice(2, 14) + 'Z'));

/** A certificate for one DNS name, valid for a day around now, or until yesterday. */
export function selfSigned(host: string, options: { expired?: boolean } = {}): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ecdsaSha256 = der(0x30, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
  const name = der(0x30, der(0x31, der(0x30, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(host)))));
  const day = 86_400_000;
  const end = Date.now() + (options.expired === true ? -day : day);
  const extensions = der(
    0xa3,
    der(
      0x30,
      // subjectAltName: one dNSName
      der(0x30, oid(0x55, 0x1d, 0x11), der(0x04, der(0x30, der(0x82, Buffer.from(host))))),
      // basicConstraints, critical: an authority, so that it can vouch for itself
      der(
        0x30,
        oid(0x55, 0x1d, 0x13),
        der(0x01, Buffer.from([0xff])),
        der(0x04, der(0x30, der(0x01, Buffer.from([0xff])))),
      ),
    ),
  );
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaSha256,
    name,
    der(0x30, utc(end - 2 * day), utc(end)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, privateKey));
  const lines =
    der(0x30, body, ecdsaSha256, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}
