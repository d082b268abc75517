/**
 * Elements that may stand in a message beside ciphertext, or instead of it: receipts, markers, states, hints, call
 * proposals, invitations. Each is cut down to what it needs; free text, also in attributes, does not pass.
 */
import {
  type Element,
  NS_CALL_INVITES,
  NS_CARBONS,
  NS_CHATSTATES,
  NS_CONFERENCE,
  NS_DELAY,
  NS_EME,
  NS_EXPIRE,
  NS_HINTS,
  NS_JINGLE,
  NS_JINGLE_FILE_TRANSFER,
  NS_JINGLE_MESSAGE,
  NS_JINGLE_RTP,
  NS_MARKERS,
  NS_MESSAGE_CORRECT,
  NS_MESSAGE_RETRACT,
  NS_MUC_USER,
  NS_MUJI,
  NS_OMEMO_CALLS,
  NS_RECEIPTS,
  NS_SID,
} from '@sealpost/stanza'
import {
  isAddress,
  isBoolean,
  isDateTime,
  isIdentifier,
  isNumber,
  isOneOf,
  type ValueForm,
  withoutAttributes,
} from './values.ts'

/** What an element makes of a message that has no ciphertext. `edit`: which message it takes the place of; by itself it would change what was said, so only ciphertext makes it one that may pass. */
export type ControlClass = 'receipt' | 'call' | 'ephemeral' | 'neutral' | 'edit'

interface Shape {
  /** Attributes that are kept when they have their form. */
  readonly attrs?: Readonly<Record<string, ValueForm>>
  /** Without these attributes it is not what it claims to be. */
  readonly needs?: readonly string[]
  readonly children?: Shapes
  /** One of the children must be there. */
  readonly needsChild?: boolean
}

interface Control extends Shape {
  readonly class: ControlClass
}

type Group<S> = readonly [ns: string, names: readonly string[], shape: S]

/** Shapes by namespace and name. */
type Shapes<S = Shape> = ReadonlyMap<string, ReadonlyMap<string, S>>

function table<S>(...groups: readonly Group<S>[]): Shapes<S> {
  const shapes = new Map<string, Map<string, S>>()
  for (const [ns, names, shape] of groups) {
    const inNamespace = shapes.get(ns) ?? new Map<string, S>()
    for (const name of names) inNamespace.set(name, shape)
    shapes.set(ns, inNamespace)
  }
  return shapes
}

const id: Pick<Shape, 'attrs' | 'needs'> = { attrs: { id: isIdentifier }, needs: ['id'] }

/** XEP-0166 §7.4; its `text` is dropped. */
const reasons = table<Shape>([
  NS_JINGLE,
  [
    'alternative-session',
    'busy',
    'cancel',
    'connectivity-error',
    'decline',
    'expired',
    'failed-application',
    'failed-transport',
    'general-error',
    'gone',
    'incompatible-parameters',
    'media-error',
    'security-error',
    'success',
    'timeout',
    'unsupported-applications',
    'unsupported-transports',
  ],
  {},
])

const callDetails = table<Shape>(
  [NS_JINGLE_RTP, ['description'], { attrs: { media: isOneOf('audio', 'video') } }],
  [NS_JINGLE_FILE_TRANSFER, ['description'], {}], // name and size of the file are for the session that follows
  [NS_JINGLE, ['reason'], { children: reasons }],
  [NS_JINGLE_MESSAGE, ['migrated'], { attrs: { to: isIdentifier }, needs: ['to'] }],
  [NS_JINGLE_MESSAGE, ['tie-break'], {}],
  [NS_OMEMO_CALLS, ['device'], { attrs: { id: isNumber } }],
)

const callMethods = table<Shape>(
  [NS_CALL_INVITES, ['jingle'], { attrs: { sid: isIdentifier, jid: isAddress }, needs: ['sid'] }],
  [NS_MUJI, ['muji'], { attrs: { room: isAddress }, needs: ['room'] }],
)

const invitation = table<Shape>([
  NS_MUC_USER,
  ['invite', 'decline'],
  { attrs: { to: isAddress, from: isAddress } }, // XEP-0045 §7.8.2 without the reason
])

/** Of XEP-0380 §3, as clients send them; any other name is dropped. */
const schemeNames = isOneOf(
  'OMEMO',
  'OTR',
  'OpenPGP',
  'Legacy OpenPGP',
  'OpenPGP for XMPP',
  'OpenPGP for XMPP (OX)',
)

const controls = table<Control>(
  [NS_RECEIPTS, ['request'], { class: 'receipt' }],
  [NS_RECEIPTS, ['received'], { class: 'receipt', ...id }],
  [NS_MARKERS, ['markable'], { class: 'receipt' }],
  [NS_MARKERS, ['received', 'displayed', 'acknowledged'], { class: 'receipt', ...id }],
  [NS_CHATSTATES, ['active', 'composing', 'paused', 'inactive', 'gone'], { class: 'ephemeral' }],
  [
    NS_JINGLE_MESSAGE,
    ['propose', 'ringing', 'proceed', 'accept', 'reject', 'retract', 'finish'],
    { class: 'call', ...id, children: callDetails },
  ],
  [
    NS_CALL_INVITES,
    ['invite'],
    { class: 'call', attrs: { video: isBoolean, multi: isBoolean }, children: callMethods, needsChild: true },
  ],
  [NS_CALL_INVITES, ['accept'], { class: 'call', ...id, children: callMethods }],
  [NS_CALL_INVITES, ['retract', 'reject', 'left'], { class: 'call', ...id }],
  [
    NS_CONFERENCE,
    ['x'],
    { class: 'receipt', attrs: { jid: isAddress, continue: isBoolean }, needs: ['jid'] },
  ],
  [NS_MUC_USER, ['x'], { class: 'receipt', children: invitation, needsChild: true }],
  [NS_HINTS, ['no-permanent-store', 'no-store', 'no-copy', 'store'], { class: 'neutral' }],
  [NS_CARBONS, ['private'], { class: 'neutral' }],
  [NS_SID, ['origin-id'], { class: 'neutral', ...id }],
  [
    NS_EME,
    ['encryption'],
    { class: 'neutral', attrs: { namespace: isIdentifier, name: schemeNames }, needs: ['namespace'] },
  ],
  [
    NS_DELAY,
    ['delay'],
    { class: 'neutral', attrs: { stamp: isDateTime, from: isAddress }, needs: ['stamp'] },
  ],
  [NS_EXPIRE, ['expire'], { class: 'neutral', attrs: { seconds: isNumber }, needs: ['seconds'] }],
  [NS_MESSAGE_CORRECT, ['replace'], { class: 'edit', ...id }], // XEP-0308 §2, beside the ciphertext by clients of OMEMO 0.3
  [NS_MESSAGE_RETRACT, ['retract'], { class: 'edit', ...id }], // XEP-0424 §3
)

/** The class of an allow-listed element and the element without what it does not need; undefined for every other. */
export function controlOf(child: Element): { class: ControlClass; element: Element } | undefined {
  const control = controls.get(child.ns)?.get(child.name)
  const reduced = control && reduce(child, control)
  return reduced && { class: control.class, element: reduced }
}

/**
 * Marks that only a server may set, or that name somebody else: a `stanza-id` (XEP-0359 §6), a delay that somebody
 * else than the sender vouches for (XEP-0203 §4).
 */
export function isForged(child: Element, sender: string | undefined): boolean {
  if (child.ns === NS_SID) return child.name === 'stanza-id'
  if (child.ns !== NS_DELAY) return false
  const from = child.attrs['from']
  return from !== undefined && from !== sender && from !== sender?.split('/', 1)[0]
}

/** The same element when there is nothing to cut. */
function reduce(element: Element, shape: Shape): Element | undefined {
  const { attrs, children } = element
  for (const name of shape.needs ?? []) {
    if (!isAllowed(shape, name, attrs[name])) return undefined
  }
  const kept = children.length === 0 ? children : reduceChildren(element, shape)
  if (shape.needsChild === true && kept.length === 0) return undefined
  const same =
    kept === children ||
    (kept.length === children.length && kept.every((each, index) => each === children[index]))
  return withoutAttributes(same ? element : element.withChildren(kept), (name, value) =>
    isAllowed(shape, name, value),
  )
}

function isAllowed({ attrs }: Shape, name: string, value: string | undefined): boolean {
  return (
    value !== undefined && attrs !== undefined && Object.hasOwn(attrs, name) && attrs[name]?.(value) === true
  )
}

function reduceChildren(element: Element, { children }: Shape): Element[] {
  return element.elements().flatMap((child) => {
    const shape = children?.get(child.ns)?.get(child.name)
    return (shape && reduce(child, shape)) ?? []
  })
}
