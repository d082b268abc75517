/** converse.js with OMEMO over WebSocket, in Debian's Chromium, in conversation with profanity. */
import { randomBytes } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { beforeAll, expect, test, vi } from 'vitest'
import { launch } from '../panel/browser.ts'
import { Converse, ConverseServer } from './converse.ts'
import { Fixture } from './fixture.ts'
import { expectNothingKept, PATIENCE } from './nothing-kept.ts'
import { Profanity } from './profanity.ts'
import { DOMAIN } from './xmpp-js.ts'

let fixture: Fixture
let browser: Browser
let server: ConverseServer
beforeAll(async () => {
  const stack = new AsyncDisposableStack()
  fixture = stack.use(await Fixture.start())
  server = stack.use(await ConverseServer.start())
  browser = await launch()
  stack.defer(() => browser.close())
  return () => stack.disposeAsync()
})

test('sign-in over wss, published keys, OMEMO both ways, and nothing is kept', async () => {
  const { sealpost } = fixture
  const { port, caFile, httpsPort } = sealpost
  const [alice, bob] = [fixture.person(), fixture.person()]
  const hers = await Profanity.create({ person: alice, resource: 'profanity', port, caFile })
  await hers.start()
  await hers.type('/omemo gen')
  await hers.logs(/SENT: <iq.*publish node="eu\.siacs\.conversations\.axolotl\.devicelist"/)
  const webSocketUrl = `wss://localhost:${httpsPort}/xmpp-websocket`
  const his = await Converse.open(browser, { person: bob, origin: server.origin, webSocketUrl })
  await his.subscribe(alice.jid)
  await hers.logs(/RECV: <presence[^>]* type="subscribe"/)
  await hers.type(`/sub allow ${bob.jid}`)
  await hers.type(`/sub request ${bob.jid}`)
  await hers.logs(new RegExp(`RECV: <message.*from="${bob.jid}".*axolotl\\.devicelist`))
  await hers.type(`/msg ${bob.jid}`)
  await hers.type('/omemo start')
  await hers.logs(new RegExp(`RECV: <iq.*from="${bob.jid}".*axolotl\\.bundles`))
  const [there, back] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await his.chatWith(alice.jid)
  await hers.type(there)
  await his.shows(alice.jid, there)
  await his.send(alice.jid, back)
  await hers.shows(back)
  await expectNothingKept(sealpost, [there, back])
  expect((await his.screenshot('converse-chat')).length).toBeGreaterThan(10_000) // a blank page has less
})

/** A red square of four by four. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAIAAAAmkwkpAAAAEElEQVR4nGP4z8AARwzEcQCukw/x0F8jngAAAABJRU5ErkJggg==',
  'base64',
)

test('a group chat after an invitation, and a file, with OMEMO', async () => {
  const { sealpost } = fixture
  const [alice, bob] = [fixture.person(), fixture.person()]
  const webSocketUrl = `wss://localhost:${sealpost.httpsPort}/xmpp-websocket`
  const common = { origin: server.origin, webSocketUrl }
  const hers = await Converse.open(browser, { person: alice, ...common })
  const his = await Converse.open(browser, { person: bob, ...common })
  const group = `friends@groups.${DOMAIN}`
  await hers.makeGroup(group, [bob.jid])
  await his.acceptInvitation(group)
  const [there, back] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')]
  await hers.send(group, there)
  await his.shows(group, there)
  await his.send(group, back)
  await hers.shows(group, back)
  await expectNothingKept(sealpost, [there, back])
  const fetching = his.fetchedFile()
  await hers.sendFile(group, 'square.png', 'image/png', PICTURE)
  const uploaded = await fetching
  expect(uploaded).toHaveLength(PICTURE.length + 16) // the tag of AES-256-GCM
  for (let at = 0; at + 8 <= PICTURE.length; at += 8)
    expect(uploaded.includes(PICTURE.subarray(at, at + 8))).toBe(false)
  expect(await his.picture(group)).toEqual({ width: 4, height: 4 })
  for (const [name, page] of [
    ['hers', hers],
    ['his', his],
  ] as const)
    await page.screenshot(`converse-group-${name}`)
  // What names the file, with its key; the file is kept for whoever else has its address.
  await vi.waitFor(async () => {
    expect(await sealpost.keyringSlots()).toEqual({ keys: 1, queues: 1 })
    expect(await sealpost.sealedRows()).toBe(1)
  }, PATIENCE)
})
