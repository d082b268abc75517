/**
 * Confirming that an account's owner holds a phone number, where the operator wants that: a code goes there, and comes back. Of the number a keyed hash is kept, with
 * which it can be compared and from which nobody without the key finds it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Clock, Random } from '@sealpost/runtime'
import { dayOf } from '../day.ts'
import { fairDraw } from '../fair-draw.ts'
import { PhoneError } from './phone-error.ts'
import type { PhoneState, PhoneStore } from './store.ts'

/** Whoever brings a code to a phone. */
export interface PhoneGateway {
  /** `number` in E.164, `code` of CODE_DIGITS digits. Resolves when it is on its way, rejects when it is not. */
  send(number: string, code: string): Promise<void>
}

/** Refusals are PhoneErrors. */
export interface Phones {
  show(accountId: string): Promise<PhoneState>
  /** Sends a code to the number. Throws PHONE_NUMBER_MALFORMED, PHONE_SENDS, PHONE_GATEWAY. */
  ask(accountId: string, number: string): Promise<PhoneState>
  /** Throws PHONE_CODE_REFUSED. */
  confirm(accountId: string, code: string): Promise<PhoneState>
  remove(accountId: string): Promise<PhoneState>
}

/** E.164, with spaces, hyphens, dots and parentheses as people write them. */
const SEPARATORS = /[\s().-]/g
const NUMBER = /^\+[1-9]\d{6,14}$/
const CODE_DIGITS = 6
const CODES = 10 ** CODE_DIGITS
const CODE_LIFE_MS = 10 * 60_000
/** Five of a million. */
const TRIES_MAX = 5
/** In a day, of one account and to one number. */
const SENDS_MAX = 5

export interface PhonesOptions {
  readonly store: PhoneStore
  readonly gateway: PhoneGateway
  /** Of the hashes. */
  readonly key: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'bytes'>
}

export function createPhones({ store, gateway, key, clock, random }: PhonesOptions): Phones {
  const hash = (kind: 'account' | 'code' | 'number', ...values: readonly string[]): Buffer =>
    createHmac('sha256', key)
      .update(['phone', kind, ...values].join('\0'))
      .digest()
  const show = (accountId: string) => store.find(accountId, clock.now())
  return {
    show,

    async ask(accountId, written) {
      const number = written.replaceAll(SEPARATORS, '')
      if (!NUMBER.test(number)) throw new PhoneError('PHONE_NUMBER_MALFORMED')
      const numberHash = hash('number', number)
      const subjects = [hash('account', accountId), numberHash]
      await store.countSend(subjects, dayOf(clock.now()), SENDS_MAX)
      const code = String(fairDraw(random, CODES)).padStart(CODE_DIGITS, '0')
      const expiresAt = clock.now() + CODE_LIFE_MS
      await store.await(accountId, { numberHash, codeHash: hash('code', accountId, code), expiresAt })
      await gateway.send(number, code).catch(() => {
        throw new PhoneError('PHONE_GATEWAY')
      })
      return show(accountId)
    },

    async confirm(accountId, code) {
      const expected = await store.try(accountId, clock.now(), TRIES_MAX)
      const given = hash('code', accountId, code)
      const isRight = expected !== undefined && timingSafeEqual(expected, given)
      if (!isRight || !(await store.confirm(accountId, given, dayOf(clock.now()))))
        throw new PhoneError('PHONE_CODE_REFUSED')
      return show(accountId)
    },

    async remove(accountId) {
      await store.eraseAccount(accountId)
      return show(accountId)
    },
  }
}
