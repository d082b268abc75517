import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fanOut } from './fan-out.ts'

class Recipient {
  readonly name: string
  readonly received: string[] = []

  constructor(name: string) {
    this.name = name
  }

  send(xml: string): void {
    this.received.push(xml)
  }

  sendWhenActive(key: string, xml: string): void {
    this.received.push(`${key}: ${xml}`)
  }
}

function makeRecipients(count: number): Recipient[] {
  return Array.from({ length: count }, (_, index) => new Recipient(`r${index}`))
}

test('few get it at once, each their own, and some may be left out', () => {
  const recipients = makeRecipients(3)
  expect(fanOut(recipients, ({ name }) => (name === 'r1' ? undefined : `<${name}/>`))).toBeUndefined()
  expect(recipients.map(({ received }) => received)).toEqual([['<r0/>'], [], ['<r2/>']])
})

test('with a key it can wait', () => {
  const recipients = makeRecipients(1)
  expect(fanOut(recipients, () => '<x/>', 'k')).toBeUndefined()
  expect(recipients[0]?.received).toEqual(['k: <x/>'])
})

test('many get it once, while others have their turn', async () => {
  const recipients = makeRecipients(1050)
  let turns = 0
  const counting = (async () => {
    while (recipients.at(-1)?.received.length === 0) {
      await turn()
      turns++
    }
  })()
  await fanOut(recipients, () => '<x/>')
  await counting
  expect(recipients.every(({ received }) => received.length === 1)).toBe(true)
  expect(turns).toBeGreaterThanOrEqual(4)
})

test('what has changed meanwhile holds for those still to come', async () => {
  const recipients = makeRecipients(600)
  let isCurrent = true
  const sending = fanOut(recipients, () => (isCurrent ? '<x/>' : undefined))
  isCurrent = false
  await sending
  expect(recipients.filter(({ received }) => received.length > 0)).toHaveLength(200)
})
