/**
 * XEP-0198 §5: a client that could not resume its session sends again whatever was not acknowledged, under the same ids. What the server
 * has in fact taken is recognised here, so that recipients do not get it twice. Known by device and by 64 bits over the
 * stanza (id, recipient, type, children but for `<delay/>`), since clients may use an id for different messages;
 * nothing of the stanza itself is kept. In memory, for as long as the process lives.
 */
import { type Element, NS_CLIENT, NS_DELAY, type XmlNode } from '@sealpost/stanza'

/** Messages remembered of one device, newest first. */
const MESSAGES_PER_DEVICE_MAX = 512
const MESSAGES_PER_DEVICE_MIN = 16
/** Devices and messages remembered together; beyond, devices that signed in longest ago are forgotten. */
const MESSAGES_MAX = 262_144
const DEVICES_MAX = 100_000
/** Of ciphertext 32 characters or more are looked at, evenly spread: two that differ do so nearly everywhere. */
const SAMPLES_SHIFT = 5

const NOTHING = new Uint32Array()

/** What became of a message that the server took. */
export interface Fate {
  readonly done: boolean
  /** Its sender was answered with an error: sent again, it is a new message. */
  readonly refused: boolean
  /** Calls back when it is done; at once, if it is. */
  whenDone(then: () => void): void
}

/** The last messages of one device, in the order in which they came. */
export class DeviceHistory {
  #low = NOTHING
  #high = NOTHING
  #fates: (Fate | undefined)[] = []
  #count = 0
  /** Messages before this one are of an earlier session, and may come again. */
  #sessionBegan = 0
  readonly #grown: (by: number) => boolean

  /** @param grown may it take so much more room */
  constructor(grown: (by: number) => boolean) {
    this.#grown = grown
  }

  get capacity(): number {
    return this.#low.length
  }

  /** What came before may come again. */
  sessionBegins(): void {
    this.#sessionBegan = this.#count
  }

  remember(stanza: Element, encrypted: boolean, fate: Fate): void {
    hash.read(stanza, encrypted)
    this.#push(hash.low, hash.high, fate)
  }

  /**
   * What became of this message when an earlier session sent it; undefined when none did, or when it was refused. Each is found once, and
   * remembered anew.
   */
  recognise(stanza: Element, encrypted: boolean): Fate | undefined {
    const oldest = Math.max(0, this.#count - this.capacity)
    if (this.#sessionBegan <= oldest) return undefined
    hash.read(stanza, encrypted)
    const { low, high } = hash
    for (let index = oldest; index < this.#sessionBegan; index++) {
      const place = index % this.capacity
      if (this.#low[place] !== low || this.#high[place] !== high) continue
      const fate = this.#fates[place]
      if (!fate) continue
      this.#fates[place] = undefined
      if (fate.refused) continue
      this.#push(low, high, fate)
      return fate
    }
    return undefined
  }

  #push(low: number, high: number, fate: Fate): void {
    if (this.#count === this.capacity && this.capacity < MESSAGES_PER_DEVICE_MAX) this.#grow()
    if (this.capacity === 0) return
    const place = this.#count++ % this.capacity
    this.#low[place] = low
    this.#high[place] = high
    this.#fates[place] = fate
  }

  /** Only while nothing has been overwritten: places stay what they are. */
  #grow(): void {
    const size = Math.max(MESSAGES_PER_DEVICE_MIN, this.capacity * 2)
    if (!this.#grown(size - this.capacity)) return
    const [low, high] = [new Uint32Array(size), new Uint32Array(size)]
    low.set(this.#low)
    high.set(this.#high)
    this.#low = low
    this.#high = high
  }
}

/** The histories of all devices. */
export class Retransmissions {
  /** Those that signed in longest ago first. */
  readonly #devices = new Map<string, DeviceHistory>()
  #room: number

  constructor(messagesMax = MESSAGES_MAX) {
    this.#room = messagesMax
  }

  /** A session of this device begins. */
  of(deviceId: string): DeviceHistory {
    const history = this.#devices.get(deviceId) ?? new DeviceHistory((by) => this.#take(by))
    this.#devices.delete(deviceId)
    this.#devices.set(deviceId, history)
    if (this.#devices.size > DEVICES_MAX) this.#forgetOldest()
    history.sessionBegins()
    return history
  }

  #take(messages: number): boolean {
    while (this.#room < messages && this.#devices.size > 1) this.#forgetOldest()
    if (this.#room < messages) return false
    this.#room -= messages
    return true
  }

  #forgetOldest(): void {
    for (const [id, { capacity }] of this.#devices) {
      this.#devices.delete(id)
      this.#room += capacity
      return
    }
  }
}

/** Two independent halves of 32 bits. Ciphertext is read in a fraction of a microsecond. */
class StanzaHash {
  low = 0
  high = 0

  /** @param encrypted the longest child is ciphertext, and speaks for all of them */
  read({ attrs, children }: Element, encrypted: boolean): void {
    this.low = 0x811c_9dc5
    this.high = 0x2545_f491
    this.#mix(attrs['id'] ?? '', 1)
    this.#mix(attrs['to'] ?? '', 1)
    if (encrypted) {
      const ciphertext = longest(children)
      this.#mix(ciphertext, Math.max(1, ciphertext.length >> SAMPLES_SHIFT))
    } else {
      this.#mix(attrs['type'] ?? '', 1)
      for (const child of children) if (!isDelay(child)) this.#mix(child.toString(), 1)
    }
    this.low = avalanche(this.low)
    this.high = avalanche(this.high)
  }

  #mix(text: string, step: number): void {
    let { low, high } = this
    for (let index = text.length - 1; index >= 0; index -= step) {
      const code = text.charCodeAt(index)
      low = Math.imul(low ^ code, 0x0100_0193)
      high = Math.imul(high + code, 0x9e37_79b1) ^ (high >>> 15)
    }
    this.low = Math.imul(low ^ text.length, 0x0100_0193)
    this.high = Math.imul(high + text.length, 0x85eb_ca6b)
  }
}

function isDelay(child: XmlNode): boolean {
  return typeof child !== 'string' && child.is('delay', NS_DELAY)
}

/** A body beside ciphertext is always the same, unless it is the ciphertext (OTR). */
function longest(children: readonly XmlNode[]): string {
  let found = ''
  for (const child of children) {
    if (typeof child === 'string') continue
    const text = child.ns === NS_CLIENT ? child.text() : child.toString()
    if (text.startsWith('?OTR')) return text
    if (text.length > found.length) found = text
  }
  return found
}

const hash = new StanzaHash()

function avalanche(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
