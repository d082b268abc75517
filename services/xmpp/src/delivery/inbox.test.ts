import { beforeEach, describe, expect, test } from 'vitest'
import { Inbox } from './inbox.ts'

describe('inbox', () => {
  let sent: string[]
  let inbox: Inbox
  beforeEach(() => {
    sent = []
    inbox = new Inbox((xml) => sent.push(xml))
    inbox.enable()
  })

  const counters = () => sent.map((xml) => Number(/h='(\d+)'/.exec(xml)?.[1]))

  test('the counter passes a stanza only when it and all before it are safe', () => {
    const [first, second] = [inbox.receive(), inbox.receive()]
    second.release()
    expect(inbox.handled).toBe(0)
    first.hold()
    first.release()
    expect(inbox.handled).toBe(0)
    first.release()
    expect(inbox.handled).toBe(2)
  })

  test('a request is answered at once, and again when what it asked about is safe', () => {
    const [first, second] = [inbox.receive(), inbox.receive()]
    inbox.request()
    const third = inbox.receive()
    first.release()
    second.release()
    third.release()
    expect(counters()).toEqual([0, 2])
  })

  test('what came before it was enabled is not counted', () => {
    const other = new Inbox((xml) => sent.push(xml))
    const early = other.receive()
    other.enable()
    const counted = other.receive()
    counted.release()
    expect(other.handled).toBe(0)
    early.release()
    expect(other.handled).toBe(1)
    expect(sent).toEqual([])
  })

  test('after a resumption what was not safe is not counted: it comes again', () => {
    const stanzas = [inbox.receive(), inbox.receive(), inbox.receive()]
    stanzas[0]?.release()
    inbox.request()
    inbox.resumed()
    for (const stanza of stanzas.slice(1)) stanza.release()
    expect(inbox.handled).toBe(1)
    expect(counters()).toEqual([1])
    inbox.receive().release()
    expect(inbox.handled).toBe(2)
  })

  test('R7: the counter wraps at 2^32', () => {
    const other = new Inbox((xml) => sent.push(xml))
    other.enable(2 ** 32 - 2)
    const stanzas = Array.from({ length: 3 }, () => other.receive())
    other.request()
    for (const stanza of stanzas) stanza.release()
    expect(counters()).toEqual([2 ** 32 - 2, 1])
  })

  test('tells once when few enough, and once when none, are unsafe', () => {
    const stanzas = Array.from({ length: 5 }, () => inbox.receive())
    const told: string[] = []
    inbox.whenBelow(3, () => told.push(`below at ${inbox.unsafe}`))
    inbox.whenSettled(() => told.push(`settled at ${inbox.unsafe}`))
    for (const stanza of stanzas) stanza.release()
    expect(told).toEqual(['below at 2', 'settled at 0'])
    inbox.whenSettled(() => told.push('at once'))
    expect(told.at(-1)).toBe('at once')
  })
})
