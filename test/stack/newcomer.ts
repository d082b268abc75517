/** What somebody sees who has just started all of it: a link, what DNS needs, two accounts, and a message that waits while the relay is killed. */
import { expect } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import type { Running } from './stack.ts'

export async function beginAsNewcomer(running: Running): Promise<void> {
  const { ports } = running
  expect(running.output).toMatch(
    new RegExp(`First administrator: https://localhost:${String(ports.https)}/admin/invite/\\S{20,}`),
  )
  const { output } = await running.ctl(['domain', 'doctor', 'localhost'])
  for (const record of [
    'MX',
    '_xmpp-client._tcp.localhost',
    'v=spf1 mx -all',
    '_dmarc.localhost',
    '_domainkey',
  ])
    expect(output).toContain(record)

  const signIn = (username: string) => TestClient.signIn({ port: ports.xmpp, username, password: 'secret' })
  for (const name of ['new', 'comer'])
    expect(
      await running.ctl(['account', 'create', `${name}@localhost`, '--password-stdin'], 'secret\n'),
    ).toMatchObject({ code: 0 })
  const sender = await signIn('new')
  await sender.enableStreamManagement()
  sender.sends(omemo('comer@localhost', 'first'))
  await sender.safeUpTo(1)
  await running.kill('xmpp')
  await sender.ended()
  await running.startService('xmpp')
  const receiver = await signIn('comer')
  await receiver.available()
  expect((await receiver.message()).attrs['id']).toBe('first')
  await receiver.close()
}
