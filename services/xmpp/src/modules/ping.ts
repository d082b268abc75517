/** XEP-0199 XMPP Ping: answered for the server and for the sender's own account; other resources answer for themselves. */
import { NS_PING } from '@sealpost/stanza'
import { defineModule, type Module } from '../core/module.ts'

export function ping(): Module {
  return defineModule({
    name: 'ping',
    implements: ['XEP-0199 2.0.1'],
    setup(host) {
      host.feature(NS_PING)
      host.accountFeature(NS_PING)
      host.onIq('get', { to: ['host', 'self'], namespace: NS_PING, name: 'ping' }, () => undefined) // XEP-0199 §4.2
    },
  })
}
