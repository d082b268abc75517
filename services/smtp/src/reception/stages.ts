/** Runs the stages of stage.ts in their order. Knows none of them: the first reply is the reply; a stage that breaks defers the mail. */
import { errorCode } from '@sealpost/errors'
import type { BodyTransform } from '@sealpost/mail'
import type { SmtpEvents } from '../events.ts'
import { SmtpReply } from '../smtp-reply.ts'
import type { BodyWatcher, Stage, Transaction } from './stage.ts'

const broken = () => new SmtpReply(451, '4.3.0', 'Requested action aborted: error in processing') // RFC 3463 §3.4

type Moment = 'connect' | 'sender' | 'recipient' | 'header' | 'message'
type StageEvents = Pick<SmtpEvents, 'stageRefused' | 'stageFailed'>

export class Stages {
  readonly #stages: readonly Stage[]
  readonly #events: StageEvents

  constructor(stages: readonly Stage[], events: StageEvents) {
    this.#stages = stages
    this.#events = events
  }

  /** The refusal of the first stage that has one. Never throws. */
  async ask<M extends Moment>(
    moment: M,
    ...parameters: Parameters<NonNullable<Stage[M]>>
  ): Promise<SmtpReply | undefined> {
    for (const stage of this.#stages) {
      const handler = stage[moment] as ((...given: typeof parameters) => Outcome) | undefined
      if (handler === undefined) continue
      const reply = await this.#guard(stage, () => handler.apply(stage, parameters))
      if (reply !== undefined) return reply
    }
    return undefined
  }

  tell<M extends 'accepted' | 'disconnect'>(
    moment: M,
    ...parameters: Parameters<NonNullable<Stage[M]>>
  ): void {
    for (const stage of this.#stages) {
      const handler = stage[moment] as ((...given: typeof parameters) => void) | undefined
      try {
        handler?.apply(stage, parameters)
      } catch (error) {
        this.#events.stageFailed(stage.name, errorCode(error))
      }
    }
  }

  /** Of the first stage that has one. */
  transform(transaction: Transaction): BodyTransform | undefined {
    for (const stage of this.#stages) {
      const transform = stage.transform?.(transaction)
      if (transform !== undefined) return transform
    }
    return undefined
  }

  /** One watcher for all. */
  watch(transaction: Transaction): Watching {
    const watchers = this.#stages.flatMap((stage) => {
      const watcher = stage.watch?.(transaction)
      return watcher === undefined ? [] : [{ stage, watcher }]
    })
    return new Watching(watchers, (stage, handler) => this.#guard(stage, handler))
  }

  async #guard(stage: Stage, handler: () => Outcome): Promise<SmtpReply | undefined> {
    try {
      const reply = await handler()
      if (reply !== undefined) this.#events.stageRefused(stage.name, reply.responseCode)
      return reply
    } catch (error) {
      this.#events.stageFailed(stage.name, errorCode(error))
      return error instanceof SmtpReply ? error : broken()
    }
  }
}

type Outcome = SmtpReply | undefined | Promise<SmtpReply | undefined>
type Guard = (stage: Stage, handler: () => Outcome) => Promise<SmtpReply | undefined>

interface Watcher {
  readonly stage: Stage
  readonly watcher: BodyWatcher
}

/** Shows a body to all who watch. Disposal before `end` tells them that there will be no end. */
export class Watching implements Disposable {
  #watchers: readonly Watcher[]
  readonly #guard: Guard

  constructor(watchers: readonly Watcher[], guard: Guard) {
    this.#watchers = watchers
    this.#guard = guard
  }

  /** A refusal ends the transaction. Never throws. */
  async write(chunk: Buffer): Promise<SmtpReply | undefined> {
    for (const { stage, watcher } of this.#watchers) {
      const reply = await this.#guard(stage, () => watcher.write(chunk))
      if (reply !== undefined) return reply
    }
    return undefined
  }

  async end(): Promise<SmtpReply | undefined> {
    for (const { stage, watcher } of this.#watchers) {
      const reply = await this.#guard(stage, () => watcher.end())
      if (reply !== undefined) return reply
    }
    this.#watchers = []
    return undefined
  }

  [Symbol.dispose](): void {
    for (const { watcher } of this.#watchers) watcher.abandon?.()
    this.#watchers = []
  }
}
