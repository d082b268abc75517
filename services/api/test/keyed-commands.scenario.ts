/** Commands of administration that come from the relay with an API key (XEP-0133): what opens them, what does not, and that they are on record. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const administer = (key: string, name: string, asked: object = {}) =>
  api.service.commands.administer({ key, name, ...asked })
const refused = async (...asked: Parameters<typeof administer>) => {
  const outcome = await administer(...asked)
  return outcome.result === 'refused' ? outcome.status : outcome
}

test('the scopes of the key decide, and the key is who stands in the audit log', async () => {
  const key = await api.key('accounts:write', 'accounts:suspend')
  const made = await administer(key, 'account.create', { body: { jid: 'rosalind@example.org' } })
  expect(made).toMatchObject({ result: 'done', answer: { jid: 'rosalind@example.org', state: 'active' } })
  const params = { jid: 'rosalind@example.org' }
  expect(await administer(key, 'account.suspend', { params, body: {} })).toMatchObject({
    result: 'done',
    answer: { state: 'suspended' },
  })
  expect(await refused(key, 'account.terminate', { params, body: {} })).toBe(403)
  const items = (await api.owner('GET', '/v1/audit')).json['items'] as {
    action: string
    phase: string
    actor: { kind: string }
  }[]
  const said = items.filter(({ action }) => action.startsWith('account.'))
  expect(said.map(({ action, phase, actor }) => `${action} ${phase} ${actor.kind}`)).toEqual([
    'account.suspend done key',
    'account.suspend begun key',
    'account.create done key',
    'account.create begun key',
  ])
})

test('an unknown, malformed or revoked key opens nothing', async () => {
  const { token, id } = (await api.owner('POST', '/v1/api-keys', { scope: ['*'] })).json as {
    token: string
    id: string
  }
  const params = { jid: 'rosalind@example.org' }
  expect(await refused(token, 'account.show', { params })).toMatchObject({ result: 'done' })
  await api.owner('DELETE', `/v1/api-keys/${id}`)
  for (const key of [token, '', 'x', 'x'.repeat(10_000)])
    expect(await refused(key, 'account.show', { params })).toBe(401)
})

test('a key that is bound to networks does not work from here; one of an organisation reaches no further', async () => {
  const params = { jid: 'rosalind@example.org' }
  const bound = await api.owner('POST', '/v1/api-keys', { scope: ['*'], networks: ['127.0.0.0/8'] })
  expect(await refused(String(bound.json['token']), 'account.show', { params })).toBe(403)
  const organisation = await api.owner('POST', '/v1/organisations', { name: 'Arden' })
  expect(organisation.status).toBe(201)
  const within = await api.owner('POST', '/v1/api-keys', {
    scope: ['*'],
    organisation: organisation.json['id'],
  })
  const key = String(within.json['token'])
  expect(await refused(key, 'account.show', { params })).toBe(404)
  expect(await refused(key, 'statistics.overview')).toBe(403)
})

test('other commands are not for this way, and what is given is checked', async () => {
  const key = await api.key('*')
  for (const name of ['apikey.create', 'me.show', 'audit.list', 'toString', ''])
    expect(await refused(key, name), name).toBe(404)
  for (const asked of [
    {},
    { params: {} },
    { params: { jid: '' } },
    { params: { jid: 'rosalind@example.org' }, body: { reason: 'not a code!' } },
    { params: { jid: 'rosalind@example.org' }, body: { other: 1 } },
  ])
    expect(await refused(key, 'account.suspend', asked), JSON.stringify(asked)).toBe(422)
  expect(await refused(key, 'account.show', { params: { jid: '@' } })).toBe(400)
  expect(await refused(key, 'account.show', { params: { jid: 'nobody@example.org' } })).toBe(404)
  expect(await refused(key, 'account.create', { body: { jid: 'rosalind@example.org' } })).toBe(409)
})
