/** What the sender of a message learns of all its copies: nothing until they are safe, or one error. */
import {
  type Attributes,
  type Element,
  element,
  errorReply,
  NS_CLIENT,
  type StanzaError,
} from '@sealpost/stanza'
import type { Receipt, Sender } from '../core/module.ts'
import type { Outcome } from './copy.ts'

/** The message as it was sent. */
interface Sent {
  readonly sender: Sender
  readonly stanza: Element
  readonly receipt: Receipt
}

/** Holds the sender's receipt until every copy is safe; tells the sender once when one could not be kept. */
export class SenderOutcome implements Outcome {
  readonly #receipt: Receipt
  readonly #sender: Sender
  /** What an error is built from: the stanza itself, much larger, is not kept while the message is under way. */
  readonly #attrs: Attributes
  #refused = false

  constructor({ receipt, sender, stanza }: Sent) {
    this.#receipt = receipt
    this.#sender = sender
    this.#attrs = stanza.attrs
  }

  hold(): void {
    this.#receipt.hold()
  }

  release(): void {
    this.#receipt.release()
  }

  refuse(error: StanzaError): void {
    if (this.#refused) return
    this.#refused = true
    this.#receipt.refuse()
    this.#sender.send(errorReply(element('message', NS_CLIENT, this.#attrs), error))
  }
}

/** A message that is not kept has reached its recipient when one device acknowledges it: an error means that none did. */
export class AnyTakerOutcome extends SenderOutcome {
  /** Copies that may still be acknowledged or were, and one until all have been made. */
  #hopes = 1

  override hold(): void {
    super.hold()
    this.#hopes++
  }

  override refuse(error: StanzaError): void {
    if (--this.#hopes === 0) super.refuse(error)
  }

  /** False when every copy has been refused by now: then telling the sender is the caller's. */
  allWritten(): boolean {
    return --this.#hopes > 0
  }

  /** Copies for the sender's and recipient's other devices: nobody hears of theirs. */
  get forCarbons(): Outcome {
    return {
      hold: () => super.hold(),
      release: () => super.release(),
      refuse: () => undefined,
    }
  }
}
