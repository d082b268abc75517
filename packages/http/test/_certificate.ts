import { generateKeyPairSync } from 'node:crypto'
import { systemRandom } from '@sealpost/runtime'
import { makeCaCertificate, makeServerCertificate } from '../../dev-env/src/local-ca/certificate.ts'

const HOUR_MS = 3_600_000

/** A certificate for `name` and 127.0.0.1 with its key, and the CA to trust; valid for an hour from `now`. */
export function makeCertificate(name: string, now = Date.now()): { ca: string; cert: string; key: string } {
  const makeKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const issuer = { name: 'Test CA', key: makeKey() }
  const key = makeKey()
  const validity = { now, lifeMs: HOUR_MS, random: systemRandom }
  return {
    ca: makeCaCertificate(issuer, validity),
    cert: makeServerCertificate(issuer, { names: [name, '127.0.0.1'], key }, validity),
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}
