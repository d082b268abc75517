/**
 * XEP-0191 Blocking Command: whom an account does not want to hear of, and does not want to be heard by. A blocked contact's messages and requests are refused as those
 * to nobody are, so that nothing is lost without its sender knowing, and nothing tells that it was blocked; presence is what the presence module does not show.
 */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { Priority } from '@sealpost/hooks'
import type { AccountCommands, CommandValues } from '@sealpost/ports'
import { Budgets, type MaybePromise } from '@sealpost/runtime'
import {
  type Element,
  element,
  NS_BLOCKING,
  NS_BLOCKING_ERRORS,
  NS_CLIENT,
  NS_REPORTING,
  StanzaError,
} from '@sealpost/stanza'
import {
  type AccountRef,
  chain,
  defineModule,
  type IqRequest,
  type Module,
  type ModuleHost,
  type OutboundStanza,
  type Session,
} from '../../core/module.ts'
import { type BlockList, BlockLists, matches } from './block-lists.ts'
import { readReport } from './report.ts'
import type { BlockedItem, BlockStore } from './store.ts'

/** One end of a conversation: a session, or an account with its bare JID. */
export interface Party {
  readonly account: AccountRef
  readonly jid: Jid
}

declare module '../../core/module.ts' {
  interface Provided {
    blocking: {
      /** Throws what a session is told that sends to whom its own account has blocked (XEP-0191 §3.3). */
      checkOutbound(session: Session, to: Jid): MaybePromise<undefined>
      /** Whether the account has blocked the JID. */
      isBlocked(account: AccountRef, jid: Jid): MaybePromise<boolean>
      /** Whether one of the two has blocked the other. */
      areApart(one: Party, other: Party): MaybePromise<boolean>
    }
  }
  interface Hooks {
    /** The account has blocked or unblocked these; `matches` says whether a JID is one of them. */
    'blocking/changed'(event: {
      readonly account: AccountRef
      readonly blocked: boolean
      readonly matches: (jid: Jid) => boolean
    }): undefined
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    /** The session asked for the block list, so it gets pushes (XEP-0191 §3.3). */
    blockListInterested?: true
  }
  interface SavedData {
    blockListInterested?: true
  }
}

/** JIDs of one account, and of one request. */
const ITEMS_MAX = 1_000
/** Lists held in memory. */
const LISTS_MAX = 200_000
/** Reports of one account. */
const REPORTS_RATE = { burst: 10, perSecond: 1 / 360 }
const REPORTERS_MAX = 10_000
const REPORT_COMMAND = 'me.report-abuse'

const refuse = {
  blocked: () =>
    new StanzaError('cancel', 'not-acceptable', undefined, element('blocked', NS_BLOCKING_ERRORS)), // XEP-0191 §3.3
  unavailable: () => new StanzaError('cancel', 'service-unavailable'), // XEP-0191 §3.3, as of an account that is none
  malformed: () => new StanzaError('modify', 'bad-request'),
  jid: () => new StanzaError('modify', 'jid-malformed'),
  own: () => new StanzaError('cancel', 'not-allowed'),
  full: () => new StanzaError('wait', 'resource-constraint', 'The block list is full'),
  tooManyReports: () => new StanzaError('wait', 'resource-constraint', 'Too many reports'),
  notFiled: () =>
    new StanzaError('wait', 'internal-server-error', 'Blocked, but the report could not be filed'),
} as const

export interface BlockingOptions {
  readonly blocked: BlockStore
  /** Files reports. */
  readonly commands: Pick<AccountCommands, 'run'>
}

export function blocking({ blocked: store, commands }: BlockingOptions): Module {
  return defineModule({
    name: 'blocking',
    implements: ['XEP-0191 1.3', 'XEP-0377 0.4.1'],
    setup(host) {
      const lists = new BlockLists(store, LISTS_MAX)
      const budgets = new Budgets(REPORTS_RATE, REPORTERS_MAX, host.clock)
      const desk = { host, lists, commands, budgets }
      for (const namespace of [NS_BLOCKING, NS_REPORTING]) host.feature(namespace) // XEP-0191 §3.1, XEP-0377 §2
      host.provide('blocking', {
        checkOutbound: (session, to) => checkOutbound(lists, session, to),
        isBlocked: (account, jid) => isBlocked(lists, account, jid),
        areApart: (one, other) => areApart(lists, one, other),
      })
      const query = { to: ['self'], namespace: NS_BLOCKING } as const
      host.onIq('get', { ...query, name: 'blocklist' }, ({ session }) => {
        session.data.blockListInterested = true
        return chain(lists.of(session.account.id), (list) => itemsElement('blocklist', list.values()))
      })
      host.onIq('set', { ...query, name: 'block' }, (request) => block(desk, request))
      host.onIq('set', { ...query, name: 'unblock' }, (request) => unblock(desk, request))
      host.hook('message/deliver', (event) => check(desk, event), Priority.policy)
      host.hook('iq/outbound', (event) => check(desk, event))
      host.hook('session/save', ({ session, saved }) => {
        if (session.data.blockListInterested) saved.blockListInterested = true
      })
      host.hook('session/restored', ({ session, saved }) => {
        if (saved.blockListInterested) session.data.blockListInterested = true
      })
      host.hook('account/erase', ({ accountId }) => erase(store, lists, accountId))
    },
  })
}

interface Desk {
  readonly host: ModuleHost
  readonly lists: BlockLists
  readonly commands: BlockingOptions['commands']
  readonly budgets: Budgets
}

/** Nobody blocks themselves, also by a domain that is theirs. */
function isBlocked(lists: BlockLists, account: AccountRef, jid: Jid): MaybePromise<boolean> {
  if (jid.bare.equals(account.jid)) return false
  return chain(lists.of(account.id), (list) => matches(list, jid))
}

function areApart(lists: BlockLists, one: Party, other: Party): MaybePromise<boolean> {
  return chain(
    isBlocked(lists, one.account, other.jid),
    (apart) => apart || isBlocked(lists, other.account, one.jid),
  )
}

function checkOutbound(lists: BlockLists, session: Session, to: Jid): MaybePromise<undefined> {
  return chain(isBlocked(lists, session.account, to), (blocked) => {
    if (blocked) throw refuse.blocked()
    return undefined
  })
}

/** XEP-0191 §3.3: what goes out to a blocked contact, and what comes in from one. Errors and answers that are refused are dropped. */
function check(desk: Desk, event: OutboundStanza): MaybePromise<undefined> {
  const { session, to } = event
  if (session === undefined || desk.lists.isEmpty(session.account.id)) return checkInbound(desk, event)
  return chain(checkOutbound(desk.lists, session, to), () => checkInbound(desk, event))
}

function checkInbound({ host, lists }: Desk, { sender, to }: OutboundStanza): MaybePromise<undefined> {
  if (!host.domains.includes(to.domain)) return undefined
  return chain(host.accounts.find(to), (recipient) =>
    recipient === undefined || lists.isEmpty(recipient.id)
      ? undefined
      : chain(isBlocked(lists, recipient, sender.jid), (blocked) => {
          if (blocked) throw refuse.unavailable()
          return undefined
        }),
  )
}

async function block(desk: Desk, { session, query }: IqRequest): Promise<undefined> {
  const { host, lists } = desk
  const items = query.childrenNamed('item')
  const jids = readJids(items)
  if (jids.length === 0) throw refuse.malformed() // XEP-0191 §3.3
  if (jids.some((jid) => jid.bare.equals(session.account.jid))) throw refuse.own()
  const reports = items.map((item, index) => readReport(item, jids[index]?.bare.toString() ?? ''))
  const wanted = await Promise.all(jids.map((jid) => toItem(host, jid)))
  const fresh = await lists.add(session.account.id, wanted, ITEMS_MAX)
  if (fresh === undefined) throw refuse.full()
  await changed(
    host,
    session.account,
    true,
    fresh.map(({ jid }) => jid),
  )
  await file(
    desk,
    session,
    reports.filter((report) => report !== undefined),
  )
}

async function unblock({ host, lists }: Desk, { session, query }: IqRequest): Promise<undefined> {
  const jids = readJids(query.childrenNamed('item'))
  const gone = await lists.remove(session.account.id, jids.length === 0 ? undefined : jids) // XEP-0191 §3.5
  await changed(host, session.account, false, gone, jids.length === 0)
}

/** Pushes to whoever asked for the list, and tells other modules. */
async function changed(
  host: ModuleHost,
  account: AccountRef,
  blocked: boolean,
  jids: readonly Jid[],
  all = false,
): Promise<void> {
  if (jids.length === 0) return
  const push = itemsElement(blocked ? 'block' : 'unblock', all ? [] : jids)
  for (const session of host.sessions.of(account.jid)) {
    if (!session.data.blockListInterested) continue
    const attrs = { type: 'set', id: host.random.token(9), to: session.jidText }
    session.send(element('iq', NS_CLIENT, attrs, push))
  }
  const list: BlockList = new Map(jids.map((jid) => [jid.toString(), jid]))
  const isOne = (jid: Jid) => !jid.bare.equals(account.jid) && matches(list, jid)
  await host.fire('blocking/changed', { account, blocked, matches: isOne })
}

/** To the abuse desk, as the account itself could. */
async function file(
  { commands, budgets }: Desk,
  { account }: Session,
  reports: readonly CommandValues[],
): Promise<void> {
  for (const report of reports) {
    if (!budgets.take(account.id)) throw refuse.tooManyReports()
    const outcome = await commands.run(account.id, REPORT_COMMAND, report).catch(() => undefined)
    if (outcome?.result !== 'done') throw refuse.notFiled()
  }
}

function readJids(items: readonly Element[]): Jid[] {
  if (items.length > ITEMS_MAX) throw refuse.malformed()
  return items.map(({ attrs }) => {
    try {
      return parseJid(attrs['jid'] ?? '')
    } catch (error) {
      throw error instanceof JidError ? refuse.jid() : error
    }
  })
}

async function toItem(host: ModuleHost, jid: Jid): Promise<BlockedItem> {
  const isLocal = host.domains.includes(jid.domain) && jid.local !== ''
  return { jid, accountId: isLocal ? (await host.accounts.read(jid))?.id : undefined }
}

function itemsElement(name: string, jids: Iterable<Jid>): Element {
  const items = [...jids].map((jid) => element('item', NS_BLOCKING, { jid: jid.toString() }))
  return element(name, NS_BLOCKING, {}, ...items)
}

/** The account's own list goes, and it goes out of the lists of others. Repeatable. */
async function erase(store: BlockStore, lists: BlockLists, accountId: string): Promise<undefined> {
  await lists.erase(accountId)
  for (const { accountId: holder, jid } of await store.holders(accountId)) await lists.remove(holder, [jid])
}
