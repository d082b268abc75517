import { describe, expect, it } from 'vitest'
import { element, errorReply, escapeXml, iqResult, readElement, StanzaError } from './index.ts'

describe('Element', () => {
  const message = readElement(
    `<message to='a' xml:lang='de'><body>one</body><body xml:lang='en'>two</body><x xmlns='urn:x'>t<y/>u</x></message>`,
  )

  it('finds children by name and namespace, the parent’s by default', () => {
    expect(message.child('body')?.text()).toBe('one')
    expect(message.child('x')).toBeUndefined()
    expect(message.child('x', 'urn:x')?.text()).toBe('tu')
    expect(message.childrenNamed('body').map((body) => body.text())).toEqual(['one', 'two'])
    expect(message.elements().map(({ name }) => name)).toEqual(['body', 'body', 'x'])
    expect(message.is('message', 'jabber:client')).toBe(true)
    expect(message.is('message', 'jabber:server')).toBe(false)
  })

  it('copies with other attributes and children and stays as it was', () => {
    const changed = message.withAttrs({ to: undefined, id: 'i' }).withChildren(['<'])
    expect(String(changed)).toBe(`<message xml:lang='de' id='i'>&lt;</message>`)
    expect(message.attrs).toEqual({ to: 'a', 'xml:lang': 'de' })
  })

  it('writes declarations where the namespace changes, and only there', () => {
    const nested = element('a', 'urn:a', {}, element('b', 'urn:a'), element('c', 'jabber:client'))
    expect(nested.toString()).toBe(`<a xmlns='urn:a'><b/><c xmlns='jabber:client'/></a>`)
    expect(nested.toString('urn:a')).toBe(`<a><b/><c xmlns='jabber:client'/></a>`)
    expect(nested.innerXml()).toBe(`<b/><c xmlns='jabber:client'/>`)
  })

  it('gives the exact source of a child only where jabber:client is the default', () => {
    const source = `<x  xmlns="urn:x" ><y z = '1'></y></x>`
    const x = readElement(`<message>${source}</message>`).child('x', 'urn:x')
    expect(x?.toString()).toBe(source)
    expect(x?.toString('urn:x')).toBe(`<x><y z='1'/></x>`)
    expect(String(element('wrapper', 'urn:w', {}, x ?? ''))).toBe(
      `<wrapper xmlns='urn:w'><x xmlns='urn:x'><y z='1'/></x></wrapper>`,
    )
  })

  it('escapes what ends text or an attribute in either quote, and what a reader would change', () => {
    expect(escapeXml(`<&>'"\r`)).toBe('&lt;&amp;&gt;&apos;&quot;&#13;')
    expect(escapeXml('plain')).toBe('plain')
    expect(String(element('a', 'jabber:client', { b: `'"\t\n\r` }, ']]>'))).toBe(
      `<a b='&apos;&quot;&#9;&#10;&#13;'>]]&gt;</a>`,
    )
  })
})

describe('answers', () => {
  const request = readElement(`<iq type='get' id='1' from='a@b/c' to='d'><ping xmlns='urn:xmpp:ping'/></iq>`)

  it('RFC 6120 §8.2.3: a result goes back with the id', () => {
    expect(String(iqResult(request))).toBe(`<iq type='result' id='1' from='d' to='a@b/c'/>`)
    const answer = String(iqResult(request, element('pong', 'urn:p')))
    expect(answer).toBe(`<iq type='result' id='1' from='d' to='a@b/c'><pong xmlns='urn:p'/></iq>`)
  })

  it('RFC 6120 §8.3.1: an error names its condition and does not echo the payload', () => {
    const error = new StanzaError('modify', 'bad-request', 'No <id>', element('detail', 'urn:d'))
    expect(String(errorReply(request, error))).toBe(
      `<iq type='error' id='1' from='d' to='a@b/c'><error type='modify'>` +
        `<bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>No &lt;id&gt;</text>` +
        `<detail xmlns='urn:d'/></error></iq>`,
    )
  })
})
