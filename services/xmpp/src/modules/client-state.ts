/**
 * XEP-0352 Client State Indication: while nobody looks at a client, presence and chat states wait, the newest of each sender, until somebody does or
 * something comes that cannot wait. Messages never do.
 */
import { element, NS_CSI, StreamError } from '@sealpost/stanza'
import { defineModule, type Module, type Stream } from '../core/module.ts'

export function clientState(): Module {
  return defineModule({
    name: 'client-state',
    implements: ['XEP-0352 1.0.0'],
    depends: ['bind2'],
    setup(host) {
      host.hook('stream/features', ({ stream, features }) => {
        if (stream.account) features.push(element('csi', NS_CSI)) // XEP-0352 §4.1
      })
      for (const name of ['active', 'inactive'] as const)
        host.onNonza(NS_CSI, name, (stream) => setActive(stream, name === 'active'))
      host.hook('bind2/features', ({ features }) => void features.push(NS_CSI))
      host.hook('bind2/bound', ({ session, request }) => {
        if (request.child('inactive', NS_CSI)) session.outbox.active = false // XEP-0386 §3.2
        return undefined
      })
    },
  })
}

function setActive({ session }: Stream, active: boolean): void {
  if (!session) throw new StreamError('not-authorized')
  session.outbox.active = active
}
