import { describe, expect, it } from 'vitest'
import { element, StanzaError, StreamError } from './index.ts'

describe('errors', () => {
  it('have a stable code each', () => {
    expect(new StanzaError('cancel', 'item-not-found')).toMatchObject({
      name: 'StanzaError',
      code: 'XMPP_STANZA_ITEM_NOT_FOUND',
    })
    expect(new StreamError('not-well-formed')).toMatchObject({
      name: 'StreamError',
      code: 'XMPP_STREAM_NOT_WELL_FORMED',
    })
  })

  it('RFC 6120 §4.9.1.1: a stream error carries its condition, its text and an application condition', () => {
    expect(new StreamError('conflict').toXml()).toBe(
      `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`,
    )
    expect(new StreamError('policy-violation', 'a & b', element('c', 'urn:c', { h: '1' })).toXml()).toBe(
      `<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a &amp; b</text><c xmlns='urn:c' h='1'/></stream:error>`,
    )
  })

  it('keep their cause away from the wire', () => {
    const error = new StanzaError('wait', 'internal-server-error')
    expect(String(error.toElement())).toBe(
      `<error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`,
    )
  })
})
