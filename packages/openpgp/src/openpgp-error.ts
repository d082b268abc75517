/** What is wrong with OpenPGP data that somebody sent. The messages are meant for the one who sent it, and repeat nothing of it. */
import { OperationalError } from '@sealpost/errors'

export class OpenPgpError extends OperationalError {
  override name = 'OpenPgpError'
}

/** Every way in which reading an upload ends early. */
export const reject = {
  tooLarge: () => new OpenPgpError('OPENPGP_TOO_LARGE', 'This is larger than the directory takes.'),
  tooManyPackets: () =>
    new OpenPgpError('OPENPGP_TOO_MANY_PACKETS', 'This has more packets than the directory reads.'),
  malformed: () =>
    new OpenPgpError(
      'OPENPGP_MALFORMED',
      'This is not OpenPGP data, or it was cut short or changed on its way.',
    ),
  armor: () => new OpenPgpError('OPENPGP_ARMOR', 'The armor (the lines around the key) is damaged.'),
  noCertificate: () => new OpenPgpError('OPENPGP_NO_CERTIFICATE', 'There is no public key in this.'),
  secretKey: () =>
    new OpenPgpError(
      'OPENPGP_SECRET_KEY',
      'This holds a secret key. Nothing of it was kept, but it has left your hands: treat the key as exposed, revoke it and make a new one.',
    ),
  certificateTooLarge: () =>
    new OpenPgpError('OPENPGP_CERTIFICATE_TOO_LARGE', 'This certificate is larger than the directory keeps.'),
  otherCertificate: () =>
    new OpenPgpError('OPENPGP_OTHER_CERTIFICATE', 'These are parts of different certificates.'),
} as const
