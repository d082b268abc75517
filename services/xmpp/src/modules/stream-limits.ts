/**
 * XEP-0478 Stream Limits Advertisement: how large an element may be, before sign-in and after, and how long a stream may take to sign in. Once
 * it has a session it may be silent. Before TLS nothing is said of it, as nothing but STARTTLS is offered there (RFC 6120 §5.3.1).
 */
import { element, NS_STREAM_LIMITS } from '@sealpost/stanza'
import { defineModule, type Module } from '../core/module.ts'

export interface StreamLimitsOptions {
  readonly streamLimits: {
    readonly elementBytesMax: number
    readonly elementBytesMaxBeforeAuth: number
    readonly negotiationMs: number
  }
}

export const streamLimits = ({ streamLimits: limits }: StreamLimitsOptions): Module =>
  defineModule({
    name: 'stream-limits',
    implements: ['XEP-0478 0.2.0'],
    setup(host) {
      host.hook('stream/features', ({ stream, features }) => {
        if (!stream.secure) return undefined
        const bytes = stream.account ? limits.elementBytesMax : limits.elementBytesMaxBeforeAuth
        const idle = stream.account
          ? []
          : [textElement('idle-seconds', Math.ceil(limits.negotiationMs / 1000))]
        features.push(element('limits', NS_STREAM_LIMITS, {}, textElement('max-bytes', bytes), ...idle))
        return undefined
      })
    },
  })

function textElement(name: string, value: number) {
  return element(name, NS_STREAM_LIMITS, {}, String(value))
}
