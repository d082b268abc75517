/** The ports to what services hold of an account, over HTTP: their paths, and their answers as they are read on the other side. */
import {
  ANY,
  count,
  DAY,
  fields,
  type Fields,
  flag,
  list,
  oneOf,
  optional,
  text,
  texts,
  UUID,
} from './answer.ts'
import {
  CONTACT_SUBSCRIPTIONS,
  GROUP_AFFILIATIONS,
  type KeysOwnData,
  type MailCount,
  type MailOwnData,
  type OwnCertificate,
  type OwnContact,
  type OwnDevice,
  type OwnNode,
  PENDING_PURPOSES,
  type RelayOwnData,
} from './own-data.ts'
import { LABEL, readQueues } from './relay-wire.ts'

/** As a router writes them; `account` is a UUID. Answers are the data, `certificate` in Base64. */
export const OWN_DATA_PATHS = {
  relay: '/internal/relay/accounts/:account/own-data',
  keys: '/internal/keys/accounts/:account/own-data',
  mail: '/internal/mail/accounts/:account/own-data',
} as const

/** Of one answer: what clients publish is 4 MiB at most, and quotation marks are written as two characters. */
export const OWN_DATA_BYTES_MAX = 32 * 1024 * 1024
const ITEMS_MAX = 100_000
const NAME = /^[^]{1,4096}$/
const WORD = /^[\w.-]{1,100}$/
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
const FINGERPRINT = /^[0-9A-F]{40,64}$/

/** Throws PORT_FAILED, as the other readers do. */
export function readRelayOwnData(answer: unknown): RelayOwnData {
  const data = fields(answer)
  return {
    devices: list(data['devices'], ITEMS_MAX).map(readDevice),
    queues: readQueues({ items: data['queues'] }),
    contacts: list(data['contacts'], ITEMS_MAX).map(readContact),
    blocked: texts(data['blocked'], ITEMS_MAX),
    groups: list(data['groups'], ITEMS_MAX).map((item) => ({
      jid: text(item['jid'], NAME),
      name: text(item['name'], ANY),
      affiliation: oneOf(item['affiliation'], GROUP_AFFILIATIONS),
      nick: optional(item['nick'], (value) => text(value, NAME)),
      entered: flag(item['entered']),
    })),
    nodes: list(data['nodes'], ITEMS_MAX).map(readNode),
    subscriptions: list(data['subscriptions'], ITEMS_MAX).map((item) => ({
      jid: text(item['jid'], NAME),
      node: text(item['node'], NAME),
    })),
    elements: list(data['elements'], ITEMS_MAX).map((item) => ({
      ns: text(item['ns'], NAME),
      name: text(item['name'], NAME),
      xml: text(item['xml'], ANY),
    })),
    files: list(data['files'], ITEMS_MAX).map((item) => ({
      bytes: count(item['bytes']),
      uploadedAt: count(item['uploadedAt']),
      expiresAt: count(item['expiresAt']),
      fetchesLeft: optional(item['fetchesLeft'], count),
    })),
    contactInvites: list(data['contactInvites'], ITEMS_MAX).map((item) => ({
      expiresAt: count(item['expiresAt']),
    })),
  }
}

export function readKeysOwnData(answer: unknown): KeysOwnData {
  const data = fields(answer)
  return {
    certificates: list(data['certificates'], ITEMS_MAX).map(readCertificate),
    pending: list(data['pending'], ITEMS_MAX).map((item) => ({
      purpose: oneOf(item['purpose'], PENDING_PURPOSES),
      expiresAt: count(item['expiresAt']),
    })),
  }
}

export function readMailOwnData(answer: unknown): MailOwnData {
  const data = fields(answer)
  return {
    outgoing: readCount(data['outgoing']),
    waiting: readCount(data['waiting']),
    pgp: optional(data['pgp'], (value) => text(value, WORD)),
    onMissingKey: optional(data['onMissingKey'], (value) => text(value, WORD)),
    lists: list(data['lists'], ITEMS_MAX).map((item) => ({
      listId: text(item['listId'], NAME),
      asked: count(item['asked']),
      confirmed: count(item['confirmed']),
      left: count(item['left']),
    })),
  }
}

function readDevice(item: Fields): OwnDevice {
  return {
    id: text(item['id'], UUID),
    createdOn: text(item['createdOn'], DAY),
    lastSeenOn: text(item['lastSeenOn'], DAY),
    registered: flag(item['registered']),
    waiting: count(item['waiting']),
    overrun: flag(item['overrun']),
    label: optional(item['label'], (value) => text(value, LABEL)),
    typed: flag(item['typed']),
    bound: flag(item['bound']),
    carbons: flag(item['carbons']),
    tokens: list(item['tokens'], ITEMS_MAX).map((token) => ({
      mechanism: text(token['mechanism'], WORD),
      expiresOn: text(token['expiresOn'], DAY),
    })),
    pushes: list(item['pushes'], ITEMS_MAX).map((push) => ({
      service: text(push['service'], NAME),
      node: text(push['node'], ANY),
    })),
  }
}

function readContact(item: Fields): OwnContact {
  return {
    jid: text(item['jid'], NAME),
    name: optional(item['name'], (value) => text(value, ANY)),
    groups: texts(item['groups'], ITEMS_MAX),
    subscription: oneOf(item['subscription'], CONTACT_SUBSCRIPTIONS),
    ask: flag(item['ask']),
    approved: flag(item['approved']),
    pendingIn: flag(item['pendingIn']),
    listed: flag(item['listed']),
  }
}

function readNode(item: Fields): OwnNode {
  const config = Object.entries(fields(item['config']))
  return {
    node: text(item['node'], NAME),
    config: Object.fromEntries(config.map(([name, value]) => [name, text(value, ANY)])),
    items: list(item['items'], ITEMS_MAX).map((each) => ({
      id: text(each['id'], ANY),
      payload: text(each['payload'], ANY),
    })),
    subscribers: texts(item['subscribers'], ITEMS_MAX),
  }
}

function readCertificate(item: Fields): OwnCertificate {
  return {
    fingerprint: text(item['fingerprint'], FINGERPRINT),
    algorithm: text(item['algorithm'], NAME),
    createdOn: text(item['createdOn'], DAY),
    expiresOn: optional(item['expiresOn'], (value) => text(value, DAY)),
    revoked: flag(item['revoked']),
    published: texts(item['published'], ITEMS_MAX),
    suspended: texts(item['suspended'], ITEMS_MAX),
    certificate: Buffer.from(text(item['certificate'], BASE64), 'base64'),
  }
}

function readCount(value: unknown): MailCount {
  const item = fields(value)
  return { mails: count(item['mails']), bytes: count(item['bytes']) }
}
