/**
 * XEP-0480 SASL Upgrade Tasks: a client that signed in with SCRAM-SHA-1 lets an account without a verifier for SCRAM-SHA-256 have one.
 * An account that has one is left alone: a client could otherwise give it a second password.
 */
import type { Account, AccountsDomain } from '@sealpost/accounts'
import {
  SaslError,
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  type ScramVerifier,
  verifierOfSalted,
} from '@sealpost/sasl'
import { type Element, element, NS_SASL_UPGRADE, NS_SCRAM_UPGRADE } from '@sealpost/stanza'
import { defineModule, type Module, type Provided } from '../core/module.ts'

export interface SaslUpgradeOptions {
  readonly accounts: Pick<AccountsDomain, 'verifier' | 'setVerifiers'>
}

const TASK = 'UPGR-SCRAM-SHA-256'
const SALTED_BYTES = 32

export const saslUpgrade = ({ accounts }: SaslUpgradeOptions): Module =>
  defineModule({
    name: 'sasl-upgrade',
    implements: ['XEP-0480 0.2.0'],
    depends: ['sasl'],
    setup(host) {
      const signIns = host.need('signIns')
      host.hook('sasl2/features', ({ others }) => {
        others.push(element('upgrade', NS_SASL_UPGRADE, {}, TASK))
        return undefined
      })
      host.hook('sasl2/task', async ({ request, mechanism, account }) => {
        const wanted = request.childrenNamed('upgrade', NS_SASL_UPGRADE).some((each) => each.text() === TASK)
        if (!wanted || !mechanism.startsWith('SCRAM-SHA-1')) return undefined
        if (account.credential.appPassword !== undefined) return undefined // it says nothing of the account's own
        const proven = await accounts.verifier(account.jid, 'SHA-1')
        if (!proven || (await accounts.verifier(account.jid, 'SHA-256'))) return undefined
        const parameters = { salt: host.random.bytes(SCRAM_SALT_BYTES), iterations: SCRAM_ITERATIONS }
        return {
          name: TASK,
          begin: () => [
            element(
              'salt',
              NS_SCRAM_UPGRADE,
              { iterations: String(parameters.iterations) },
              parameters.salt.toString('base64'),
            ),
          ],
          finish: async (data: Element) => {
            const added = verifierOfSalted(readSalted(signIns, data), 'SHA-256', parameters)
            await add(accounts, account, proven.verifier, added)
          },
        }
      })
    },
  })

/** SaltedPassword (RFC 5802 §3), XEP-0480 §3. */
function readSalted(signIns: Provided['signIns'], data: Element): Buffer {
  const salted = signIns.decode(data.child('hash', NS_SCRAM_UPGRADE)?.text().trim() ?? '')
  if (salted.length !== SALTED_BYTES) throw new SaslError('malformed-request')
  return salted
}

/** Adds a verifier, unless the password was changed since it was proven. */
async function add(
  accounts: SaslUpgradeOptions['accounts'],
  account: Account,
  proven: ScramVerifier,
  added: ScramVerifier,
): Promise<void> {
  const current = await accounts.verifier(account.jid, 'SHA-1')
  if (current?.verifier.storedKey.equals(proven.storedKey) !== true) throw new SaslError('not-authorized')
  await accounts.setVerifiers(account.id, [current.verifier, added])
}
