/**
 * A program: the attacker of packages/forensics over the files that it is told of on standard input, in a process of its own, since it takes minutes of work and the
 * relay has better things to do. It answers which of the canaries could be read, or with which code it failed.
 */
import { setPriority } from 'node:os'
import { text } from 'node:stream/consumers'
import { attack } from '../attack.ts'
import { errorCode } from '@sealpost/errors'

export interface AttackOrders {
  readonly directories: readonly string[]
  readonly keyrings: readonly string[]
  /** Rows that are looked for. */
  readonly ids: readonly string[]
  readonly canaries: readonly string[]
}

export type AttackAnswer = { readonly read: readonly string[] } | { readonly failed: string }

/** The lowest: whatever else runs on this machine goes first. */
const PRIORITY = 19

async function carryOut({ canaries, ...loot }: AttackOrders): Promise<AttackAnswer> {
  try {
    const { plaintexts } = await attack(loot)
    return { read: canaries.filter((canary) => plaintexts.some((plaintext) => plaintext.includes(canary))) }
  } catch (error) {
    return { failed: errorCode(error) }
  }
}

setPriority(PRIORITY)
const orders = JSON.parse(await text(process.stdin)) as AttackOrders
process.stdout.write(JSON.stringify(await carryOut(orders)))
