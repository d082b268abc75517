import { expect, test } from 'vitest'
import type { Element } from '@sealpost/stanza'
import type { TestClient } from './client.ts'
import { startRelay } from './relay-fixture.ts'

const INFO = 'http://jabber.org/protocol/disco#info'

/** Fields of the form of this type in what the server says of itself. */
async function formOf(client: TestClient, type: string): Promise<Record<string, string[]>> {
  const answer = await client.request('get', `<query xmlns='${INFO}'/>`, 'localhost')
  const valuesOf = (field: Element) => field.childrenNamed('value').map((value) => value.text())
  for (const form of answer.child('query', INFO)?.childrenNamed('x', 'jabber:x:data') ?? []) {
    const fields = Object.fromEntries(
      form.childrenNamed('field').map((field) => [field.attrs['var'] ?? '', valuesOf(field)]),
    )
    if (fields['FORM_TYPE']?.[0] === type) return fields
  }
  throw new Error(`no form ${type}`)
}

test('XEP-0157 and XEP-0504: whom to write to, and what becomes of data, by what is configured', async () => {
  await using relay = await startRelay({
    messageTtlMs: 5_400_000,
    uploads: { fileBytes: 1, spaceBytes: 1, slotsPerHour: 1, keepSeconds: 60 },
    contacts: { publicOrigin: () => 'https://chat.example', supportUrl: 'https://help.example/' },
    backups: { everyHours: 24, keptHours: 384 },
  })
  const client = await relay.client('alice')
  expect(await formOf(client, 'http://jabber.org/network/serverinfo')).toEqual({
    FORM_TYPE: ['http://jabber.org/network/serverinfo'],
    'abuse-addresses': ['mailto:abuse@localhost'],
    'admin-addresses': ['mailto:postmaster@localhost'],
    'status-addresses': ['https://chat.example/status'],
    'support-addresses': ['https://help.example/'],
  })
  const policy = {
    FORM_TYPE: ['urn:xmpp:data-policy:0'],
    auth_data: ['hidden'],
    data_retention: ['2'],
    encryption_at_rest: ['true'],
    data_deletion: ['true'],
    data_export: ['true'],
    access_policy: ['admins', 'government'],
    full_erasure: ['true'],
    backup_frequency: ['24'],
    backup_retention: ['384'],
    extra_info: [expect.stringContaining('never in one')],
    tos: ['https://chat.example/policies'],
  }
  expect(await formOf(client, 'urn:xmpp:data-policy:0')).toEqual(policy)
  await relay.accounts.domains.setPolicy('localhost', {
    e2ee: undefined,
    storage: undefined,
    mailPgp: undefined,
    messageTtlSeconds: 600,
  })
  await expect
    .poll(async () => (await formOf(client, 'urn:xmpp:data-policy:0'))['data_retention'])
    .toEqual(['1'])
})

test('XEP-0504: where nothing is kept, that is said, and what nobody knows of backups; without a support page none is named', async () => {
  await using relay = await startRelay({
    storageMode: 'none',
    contacts: { publicOrigin: () => 'https://chat.example', supportUrl: undefined },
  })
  const client = await relay.client('alice')
  const {
    data_retention: kept,
    backup_retention: backups,
    ...others
  } = await formOf(client, 'urn:xmpp:data-policy:0')
  expect([kept, backups]).toEqual([['0'], ['unknown']])
  expect(others).not.toHaveProperty('backup_frequency')
  const contacts = await formOf(client, 'http://jabber.org/network/serverinfo')
  expect(Object.keys(contacts)).not.toContain('support-addresses')
})
