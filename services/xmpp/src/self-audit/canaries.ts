/** Canaries of the self-audit: sealed as messages are, in queues of no account; half of them are read and acknowledged as a device does it. */
import { CANARY_SECONDS, type Canary, type PlantedCanaries } from '@sealpost/forensics'
import type { Clock, Random } from '@sealpost/runtime'
import type { QueueKey, SealedStore } from '../delivery/sealed-store/sealed-store.ts'

/** Half of them are taken. */
const CANARIES = 8
const TEXT_BYTES = 24
const BYTES_MAX = 1024 * 1024

export interface CanaryParts {
  readonly store: Pick<SealedStore, 'append' | 'read' | 'shred' | 'shredQueue' | 'shredded'>
  readonly random: Pick<Random, 'uuid' | 'token'>
  readonly clock: Pick<Clock, 'now'>
}

export function canaries(parts: CanaryParts): () => Promise<PlantedCanaries> {
  const { store, random } = parts
  return async () => {
    const [taken, waiting] = [newQueue(random), newQueue(random)]
    const clear = (): void => {
      for (const queue of [taken, waiting]) store.shredQueue(queue)
    }
    try {
      const planted = { taken: await fill(taken, parts), waiting: await fill(waiting, parts) }
      await take(taken, planted.taken, store)
      return { ...planted, clear }
    } catch (error) {
      clear()
      throw error
    }
  }
}

const newQueue = (random: CanaryParts['random']): QueueKey => ({
  account: random.uuid(),
  device: random.uuid(),
})

async function fill(queue: QueueKey, { store, random, clock }: CanaryParts): Promise<Canary[]> {
  const due = Math.ceil(clock.now() / 1_000) + CANARY_SECONDS
  const entries = Array.from({ length: CANARIES / 2 }, () => {
    const text = random.token(TEXT_BYTES)
    return { text, ...store.append(queue, Buffer.from(text), due, 'message') }
  })
  await Promise.all(entries.map(({ stored }) => stored))
  return entries.map(({ id, text }) => ({ ids: [id], texts: [text] }))
}

async function take(queue: QueueKey, all: readonly Canary[], store: CanaryParts['store']): Promise<void> {
  const read = await store.read(queue, 0, all.length, BYTES_MAX)
  const texts = read.map(({ plaintext }) => plaintext.toString())
  for (const { plaintext } of read) plaintext.fill(0)
  if (!all.every((canary) => canary.texts.every((text) => texts.includes(text))))
    throw new Error('canaries did not come back')
  store.shred(all.flatMap(({ ids }) => ids))
  await store.shredded()
}
