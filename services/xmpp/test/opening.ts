/** What programs that cannot run here say after they connect, stanza by stanza, as their sources have it: the steps that they share. */
import { createHash } from 'node:crypto'
import { type Element, element, NS_DISCO_INFO, NS_SM } from '@sealpost/stanza'
import { TestClient } from './client.ts'
import { omemo, type RelayFixture } from './relay-fixture.ts'

export const NS_PUBSUB = 'http://jabber.org/protocol/pubsub'
export const NS_OMEMO = 'eu.siacs.conversations.axolotl'
export const NS_OFFLINE = 'http://jabber.org/protocol/offline'
export const DISCO_INFO = `<query xmlns='${NS_DISCO_INFO}'/>`
export const DISCO_ITEMS = `<query xmlns='http://jabber.org/protocol/disco#items'/>`

/** A client as a phone has it: TLS from the first byte, nothing said yet. */
export function dial(relay: RelayFixture): Promise<TestClient> {
  return TestClient.open({ port: relay.tlsPort, direct: true, alpn: ['xmpp-client'] })
}

let asked = 0

export interface Question {
  readonly type?: 'get' | 'set'
  readonly payload: string
  readonly to?: string
}

/** Sends all at once, as clients do, each with the full address in `from`; gives the answers in the order of the questions. */
export function askAll(client: TestClient, questions: readonly Question[]): Promise<Element[]> {
  const ids = questions.map(() => `o${++asked}`)
  const requests = questions.map(({ type = 'get', payload, to }, index) => {
    const target = to === undefined ? '' : ` to='${to}'`
    return `<iq type='${type}' id='${ids[index]}' from='${client.jid}'${target}>${payload}</iq>`
  })
  client.sends(requests.join(''))
  return Promise.all(ids.map((id) => client.next((each) => each.name === 'iq' && each.attrs['id'] === id)))
}

export async function ask(client: TestClient, question: Question): Promise<Element> {
  const [answer] = await askAll(client, [question])
  if (answer === undefined) throw new Error('no answer')
  return answer
}

/** The names of features, and `category/type` of identities, in an answer of disco#info. */
export function featuresOf(answer: Element | undefined): string[] {
  const parts = answer?.child('query', NS_DISCO_INFO)?.elements() ?? []
  return parts.map(({ attrs }) => attrs['var'] ?? `${attrs['category']}/${attrs['type']}`)
}

/** A client's capabilities (XEP-0115): what stands in its presence, and what it answers when it is asked. */
export class Capabilities {
  readonly #node: string
  readonly #identity: { readonly type: string; readonly name: string }
  readonly #features: readonly string[]

  constructor(node: string, identity: { type: string; name: string }, features: readonly string[]) {
    this.#node = node
    this.#identity = identity
    this.#features = features.toSorted()
  }

  get presence(): string {
    const { type, name } = this.#identity
    const text = [`client/${type}//${name}`, ...this.#features].map((part) => `${part}<`).join('')
    const ver = createHash('sha1').update(text).digest('base64')
    return `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='${this.#node}' ver='${ver}'/></presence>`
  }

  /** Answers the server's question (XEP-0115 §6.2), which it asks once of all who announce the same. */
  serve(client: TestClient): void {
    client.onElement = (question) => {
      const node = question.name === 'iq' ? question.child('query', NS_DISCO_INFO)?.attrs['node'] : undefined
      if (question.attrs['type'] !== 'get' || node === undefined) return
      const { id = '', from = '' } = question.attrs
      const features = this.#features.map((name) => element('feature', NS_DISCO_INFO, { var: name }))
      const { type, name } = this.#identity
      const identity = element('identity', NS_DISCO_INFO, { category: 'client', type, name })
      const query = element('query', NS_DISCO_INFO, { node }, identity, ...features)
      client.sends(`<iq type='result' id='${id}' to='${from}'>${String(query)}</iq>`)
    }
  }
}

/** Sends messages to `name` and waits until they are safe. */
export async function leaveMessages(
  relay: RelayFixture,
  name: string,
  ids: readonly string[],
): Promise<void> {
  await relay.account(name)
  const sender = await relay.client('sender')
  await sender.enableStreamManagement()
  for (const id of ids) sender.sends(omemo(`${name}@localhost`, id))
  await sender.safeUpTo(ids.length)
  await sender.close()
}

/** Ids of the messages that come next, `count` of them, acknowledged. */
export async function messageIds(client: TestClient, count: number): Promise<(string | undefined)[]> {
  const ids = []
  for (let index = 0; index < count; index++) ids.push((await client.message()).attrs['id'])
  client.acknowledge()
  return ids
}

/** `<r/>`, which some send right behind every step. */
export const REQUEST = `<r xmlns='${NS_SM}'/>`

/** Publishes the one item of a node, with publish-options (XEP-0060 §7.1.5) where `access` says so. */
export function publish(node: string, item: string, access?: string): string {
  const form = (value: string) =>
    `<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>${NS_PUBSUB}#publish-options</value></field>` +
    `<field var='pubsub#access_model'><value>${value}</value></field></x></publish-options>`
  return (
    `<pubsub xmlns='${NS_PUBSUB}'><publish node='${node}'><item id='current'>${item}</item></publish>` +
    `${access === undefined ? '' : form(access)}</pubsub>`
  )
}

export const items = (node: string): string => `<pubsub xmlns='${NS_PUBSUB}'><items node='${node}'/></pubsub>`

/** Public keys of an installation with OMEMO, as a server sees them. */
export const BUNDLE = bundle()
export const deviceList = (...ids: readonly number[]): string =>
  `<list xmlns='${NS_OMEMO}'>${ids.map((id) => `<device id='${id}'/>`).join('')}</list>`

function bundle(): string {
  const key = Buffer.alloc(33, 5).toString('base64')
  const preKeys = Array.from(
    { length: 100 },
    (_, index) => `<preKeyPublic preKeyId='${index + 1}'>${key}</preKeyPublic>`,
  )
  return (
    `<bundle xmlns='${NS_OMEMO}'><signedPreKeyPublic signedPreKeyId='1'>${key}</signedPreKeyPublic>` +
    `<signedPreKeySignature>${Buffer.alloc(64, 6).toString('base64')}</signedPreKeySignature>` +
    `<identityKey>${key}</identityKey><prekeys>${preKeys.join('')}</prekeys></bundle>`
  )
}
