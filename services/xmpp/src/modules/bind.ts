/** Resource binding (RFC 6120 §7), and the session request of RFC 3921 §3 that some clients still send. */
import {
  element,
  iqResult,
  NS_BIND,
  NS_CLIENT,
  NS_SESSION,
  errorReply,
  StanzaError,
  StreamError,
  type Element,
} from '@sealpost/stanza'
import { defineModule, type Module, type SessionLifecycle, type Stream } from '../core/module.ts'

declare module '../core/module.ts' {
  interface Hooks {
    /** An IQ stanza before the client has signed in; `true`: it was answered. */
    'stream/iq'(event: { readonly stream: Stream; readonly iq: Element }): true
  }
}

export const bind = ({ lifecycle }: { lifecycle: SessionLifecycle }): Module =>
  defineModule({
    name: 'bind',
    implements: ['RFC 6120'],
    setup(host) {
      host.hook('stream/features', ({ stream, features }) => {
        if (!stream.account || stream.session) return undefined
        features.push(element('bind', NS_BIND))
        features.push(element('session', NS_SESSION, {}, element('optional', NS_SESSION)))
        return undefined
      })
      // Before a session exists, binding is the only stanza there is (RFC 6120 §7.1).
      host.onNonza(NS_CLIENT, 'iq', async (stream, iq) => {
        if (!stream.account && (await host.fire('stream/iq', { stream, iq }))) return
        await bindResource(lifecycle, stream, iq)
      })
      host.onIq('set', { to: ['host', 'self'], namespace: NS_SESSION, name: 'session' }, () => undefined)
    },
  })

async function bindResource(lifecycle: SessionLifecycle, stream: Stream, iq: Element): Promise<void> {
  const { account } = stream
  const request = iq.child('bind', NS_BIND)
  if (!account || !request || iq.attrs['type'] !== 'set') throw new StreamError('not-authorized') // RFC 6120 §7.3.1
  const requested = request.child('resource')?.text()
  try {
    if (iq.attrs['id'] === undefined) throw new StanzaError('modify', 'bad-request')
    await lifecycle.bind(stream, account, requested === '' ? undefined : requested, ({ jidText }) => {
      const jid = element('jid', NS_BIND, {}, jidText)
      stream.send(iqResult(iq.withAttrs({ to: undefined }), element('bind', NS_BIND, {}, jid)).toString())
    })
  } catch (error) {
    if (!(error instanceof StanzaError)) throw error
    stream.send(errorReply(iq, error).toString())
  }
}
