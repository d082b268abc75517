/**
 * XEP-0386 Bind 2: a resource within the sign-in, with carbons and stream management enabled at once. It never clears what waits for
 * the client: there is no archive to take its place (docs/decisions/0005-bind2-keeps-the-queue.md).
 */
import { createHash } from 'node:crypto'
import { type Jid, JidError } from '@sealpost/jid'
import { type Element, element, NS_BIND2 } from '@sealpost/stanza'
import { defineModule, type ModuleHost, type Session } from '../core/module.ts'
import type { Device } from '../delivery/device-store.ts'

declare module '../core/module.ts' {
  interface Hooks {
    /** Collects what can be enabled with a binding (XEP-0386 §3.1). */
    'bind2/features'(event: { readonly features: string[] }): undefined
    /** A session exists and nothing was sent on it: enables what `request` asks for and adds to `<bound/>`. */
    'bind2/bound'(event: {
      readonly session: Session
      readonly request: Element
      readonly told: Element[]
    }): undefined
  }
}

/** Longest `<tag/>`, in bytes of UTF-8; a longer one is left out. */
const TAG_BYTES_MAX = 256
const SUFFIX_CHARS = 16

export const bind2 = () =>
  defineModule({
    name: 'bind2',
    implements: ['XEP-0386 1.1.0'],
    setup(host) {
      host.hook('sasl2/features', ({ inline }) => {
        const features: string[] = []
        void host.fire('bind2/features', { features })
        const named = features.map((name) => element('feature', NS_BIND2, { var: name }))
        inline.push(element('bind', NS_BIND2, {}, element('inline', NS_BIND2, {}, ...named)))
        return undefined
      })
      host.hook('sasl2/bind', ({ request, account }) => {
        const bind = request.child('bind', NS_BIND2)
        return bind && binding(host, bind, account.jid)
      })
    },
  })

function binding(host: ModuleHost, request: Element, account: Jid) {
  const tag = readTag(request, account)
  return {
    resource: (device: Device | undefined) => {
      const suffix = device ? suffixOf(device) : host.random.token(12)
      return tag === undefined ? suffix : `${tag}.${suffix}`
    },
    bound: (session: Session) => {
      const told: Element[] = []
      void host.fire('bind2/bound', { session, request, told })
      return element('bound', NS_BIND2, {}, ...told)
    },
  }
}

/** XEP-0386 §3.2.1: the same for a device as long as it is known; tells nothing of the client's own id, nor of the device's. */
function suffixOf(device: Device): string {
  return createHash('sha256').update(`resource\0${device.id}`).digest('base64url').slice(0, SUFFIX_CHARS)
}

/** The tag, unless no resource could contain it. */
function readTag(request: Element, account: Jid): string | undefined {
  const tag = request.child('tag')?.text().trim() ?? ''
  if (tag === '' || Buffer.byteLength(tag) > TAG_BYTES_MAX) return undefined
  try {
    return account.withResource(tag).resource
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
