/** Mails of other services brought to a sink at once, over SMTP and without a queue: for tests of who sends them. */
import { MailHeader, parseAddress } from '@sealpost/mail'
import { type Mail, MailError } from '@sealpost/ports'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { type Hop, RemoteCarrier, SMARTHOST } from '../src/delivery/remote-carrier.ts'
import { envelopeFor } from '../src/queue/_fixture.ts'
import { noDns, unsigned } from './peers.ts'

export function directMail(smarthost: Hop): Mail & Disposable {
  const carrier = new RemoteCarrier({
    smarthost,
    routes: new Map(),
    resolver: noDns,
    signer: unsigned,
    name: 'localhost',
    ownNames: ['localhost'],
    allows: () => true,
    clock: systemClock,
    random: systemRandom,
  })
  const { signal } = new AbortController()
  return {
    async send({ sender, recipient, message }) {
      const end = message.indexOf('\r\n\r\n') + 4
      const [header, body] = [message.subarray(0, end), message.subarray(end)]
      if (MailHeader.parse(header) === undefined || parseAddress(recipient) === undefined)
        throw new Error('no mail')
      const envelope = envelopeFor(sender, recipient)
      const content = {
        header,
        bodyBytes: body.length,
        body: async function* () {
          yield body
        },
      }
      const attempt = {
        id: '',
        mail: { envelope, content },
        acceptedAt: 0,
        destination: SMARTHOST,
        recipients: envelope.recipients,
        signal,
      }
      const [outcome] = (await carrier.carry(attempt)).outcomes
      if (outcome?.result === 'failed') throw new MailError('MAIL_REFUSED')
      if (outcome?.result !== 'delivered') throw new MailError('MAIL_DEFERRED')
    },
    [Symbol.dispose]: () => carrier[Symbol.dispose](),
  }
}
