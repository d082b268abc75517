/** STARTTLS (RFC 6120 §5): mandatory; nothing else is offered before it. */
import { element, NS_TLS, StreamError } from '@sealpost/stanza'
import { defineModule } from '../core/module.ts'

export const starttls = () =>
  defineModule({
    name: 'starttls',
    implements: ['RFC 6120', 'RFC 7590', 'XEP-0368 1.1.0'],
    setup(host) {
      host.hook('stream/features', ({ stream, features }) => {
        if (!stream.secure) features.push(element('starttls', NS_TLS, {}, element('required', NS_TLS)))
        return undefined
      })
      host.onNonza(NS_TLS, 'starttls', (stream) => {
        if (stream.secure) throw new StreamError('unsupported-stanza-type')
        stream.send(`<proceed xmlns='${NS_TLS}'/>`) // RFC 6120 §5.4.2.3
        stream.startTls()
      })
    },
  })
