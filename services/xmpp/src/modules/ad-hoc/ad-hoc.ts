/**
 * XEP-0050 Ad-Hoc Commands: what an account may do about itself, from the API's registry of commands, and those of other modules. Each has one form, or none. Only the
 * account itself sees and runs them; the server is where they are.
 */
import type { AccountCommands, CommandField, CommandOutcome, CommandValues } from '@sealpost/ports'
import {
  type Element,
  element,
  NS_COMMANDS,
  NS_DATA,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  StanzaError,
} from '@sealpost/stanza'
import {
  defineModule,
  type IqRequest,
  type Module,
  type ModuleHost,
  type Session,
} from '../../core/module.ts'
import { commandForm, readSubmission } from './form.ts'

/** The name of a command as a node. */
const NODE = 'urn:sealpost:command:'
/** Forms that a session may have open at a time, and for how long. */
const OPEN_MAX = 10
const OPEN_MS = 600_000

const malformed = (condition: string) =>
  new StanzaError('modify', 'bad-request', undefined, element(condition, NS_COMMANDS))

/** XEP-0050 §4.4 */
const refuse = {
  unknown: () => new StanzaError('cancel', 'item-not-found'),
  forbidden: () => new StanzaError('auth', 'forbidden'), // XEP-0050 §3.4
  badAction: () => malformed('bad-action'),
  malformedAction: () => malformed('malformed-action'),
  badPayload: () => malformed('bad-payload'),
  badSession: () => malformed('bad-sessionid'),
  expired: () => new StanzaError('cancel', 'not-allowed', undefined, element('session-expired', NS_COMMANDS)),
  away: () => new StanzaError('wait', 'internal-server-error'),
} as const

/** A command of the server. */
export interface HostCommand {
  readonly node: string
  readonly title: string
  /** XEP-0068; undefined: the form has none. */
  readonly formType?: string
  /** None: it is run at once. */
  readonly fields: readonly CommandField[]
  /** False: it is there to be refused, and nobody finds it. */
  readonly isListed?: false
  isOffered(session: Session): boolean
  /** What came of it: a note, or a form of results. Throws StanzaError. */
  run(session: Session, values: CommandValues): Promise<Element>
}

interface OpenForm {
  readonly command: HostCommand
  readonly until: number
}

declare module '../../core/module.ts' {
  interface Provided {
    adHoc: { add(command: HostCommand): void }
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    /** What it was sent to fill in, by session of the command. */
    openForms?: Map<string, OpenForm>
  }
}

export interface AdHocOptions {
  readonly commands: AccountCommands
}

export function adHoc({ commands }: AdHocOptions): Module {
  return defineModule({
    name: 'ad-hoc',
    implements: ['XEP-0050 1.3.0', 'XEP-0004 2.13.1'],
    depends: ['disco'],
    setup(host) {
      host.feature(NS_COMMANDS) // XEP-0050 §2.1
      const added = new Map<string, HostCommand>()
      host.provide('adHoc', { add: (command) => void added.set(command.node, command) })
      host.hook('disco/host-items', async ({ session, node, found }) => {
        if (node !== NS_COMMANDS) return undefined
        if (isForAPurpose(session)) return true
        const show = (itemNode: string, name: string) =>
          found.push(element('item', NS_DISCO_ITEMS, { jid: session.jid.domain, node: itemNode, name })) // XEP-0050 §2.2
        for (const command of added.values())
          if (command.isListed !== false && command.isOffered(session)) show(command.node, command.title)
        for (const { name, title } of await ask(commands.offered(session.account.id)))
          show(NODE + name, title)
        return true
      })
      host.hook('disco/host-node', async ({ session, node }) => {
        if (isForAPurpose(session)) return undefined
        const command = await find({ commands, added }, session, node)
        return command?.isListed === false ? undefined : command && describe(command)
      })
      host.onIq('set', { to: ['host'], namespace: NS_COMMANDS, name: 'command' }, (request) => {
        const open = (request.session.data.openForms ??= new Map<string, OpenForm>())
        return handle({ host, commands, added, open }, request)
      })
    },
  })
}

/** Signed in with an app password, which is for chat and changes nothing of the account. */
function isForAPurpose({ credential }: Session): boolean {
  return credential.appPassword !== undefined
}

async function ask<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked
  } catch {
    throw refuse.away()
  }
}

/** XEP-0050 §2.3 */
function describe({ title }: HostCommand): Element[] {
  return [
    element('identity', NS_DISCO_INFO, { category: 'automation', type: 'command-node', name: title }),
    element('feature', NS_DISCO_INFO, { var: NS_COMMANDS }),
    element('feature', NS_DISCO_INFO, { var: NS_DATA }),
  ]
}

interface Found {
  readonly commands: AccountCommands
  readonly added: ReadonlyMap<string, HostCommand>
}

/** Undefined: there is no such command for this session. */
async function find(
  { commands, added }: Found,
  session: Session,
  node: string,
): Promise<HostCommand | undefined> {
  const own = added.get(node)
  if (own !== undefined) return own.isOffered(session) ? own : undefined
  if (!node.startsWith(NODE)) return undefined
  const name = node.slice(NODE.length)
  const form = await ask(commands.form(session.account.id, name))
  if (form === undefined) return undefined
  return {
    ...form,
    node,
    isOffered: () => true,
    run: async ({ account }, values) => {
      const outcome = await ask(commands.run(account.id, name, values))
      if (outcome === undefined) throw refuse.unknown()
      return note(outcome)
    },
  }
}

interface Desk extends Found {
  readonly host: ModuleHost
  readonly open: Map<string, OpenForm>
}

async function handle(desk: Desk, request: IqRequest): Promise<Element> {
  if (isForAPurpose(request.session)) throw refuse.forbidden()
  const { node, sessionid, action = 'execute' } = request.query.attrs
  if (!ACTIONS.has(action)) throw refuse.malformedAction()
  if (node === undefined) throw refuse.unknown()
  if (sessionid === undefined) return begin(desk, request, node, action)
  const opened = desk.open.get(sessionid)
  if (opened === undefined || opened.command.node !== node) throw refuse.badSession()
  if (opened.until < desk.host.clock.now()) {
    desk.open.delete(sessionid)
    throw refuse.expired()
  }
  if (action === 'prev' || action === 'next') throw refuse.badAction() // XEP-0050 §3.3: there is no stage before or after; the form stays open
  desk.open.delete(sessionid)
  if (action === 'cancel') return answer({ node, sessionid, status: 'canceled' })
  const values = readSubmission(request.query, opened.command.formType)
  if (values === undefined) throw refuse.badPayload()
  return finish(opened.command, { request, sessionid, values })
}

const ACTIONS = new Set(['execute', 'cancel', 'prev', 'next', 'complete'])

/** XEP-0050 §2.4: a command without fields is run at once. */
async function begin(desk: Desk, request: IqRequest, node: string, action: string): Promise<Element> {
  const { host, open } = desk
  if (action !== 'execute') throw refuse.badAction()
  const command = await find(desk, request.session, node)
  if (command === undefined) throw refuse.unknown()
  const sessionid = host.random.token(16)
  if (command.fields.length === 0) return finish(command, { request, sessionid, values: {} })
  const [oldest] = open.size >= OPEN_MAX ? open.keys() : []
  if (oldest !== undefined) open.delete(oldest)
  open.set(sessionid, { command, until: host.clock.now() + OPEN_MS })
  const actions = element('actions', NS_COMMANDS, { execute: 'complete' }, element('complete', NS_COMMANDS))
  return answer({ node, sessionid, status: 'executing' }, actions, commandForm(command))
}

interface Submitted {
  readonly request: IqRequest
  readonly sessionid: string
  readonly values: CommandValues
}

async function finish(command: HostCommand, { request, sessionid, values }: Submitted): Promise<Element> {
  const outcome = await command.run(request.session, values)
  return answer({ node: command.node, sessionid, status: 'completed' }, outcome)
}

/** XEP-0050 §2.4.1 */
function note({ result, text }: CommandOutcome): Element {
  return element('note', NS_COMMANDS, { type: result === 'done' ? 'info' : 'error' }, text)
}

function answer(attrs: { node: string; sessionid: string; status: string }, ...children: Element[]): Element {
  return element('command', NS_COMMANDS, attrs, ...children)
}
