/** When a mail is tried again (RFC 5321 §4.5.4.1): soon at first, then less and less often. All times in milliseconds. */
import type { Random } from '@sealpost/runtime'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** From one attempt to the next, unless the operator says otherwise; the last one repeats. */
export const RETRY_PAUSES: readonly number[] = [
  MINUTE,
  3 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  4 * HOUR,
  6 * HOUR,
]
/** RFC 6647 §2: whoever greylists wants to see us again after some minutes, and not after hours. */
const GREYLIST_PAUSES: readonly number[] = [5.5 * MINUTE, 6 * MINUTE, 15 * MINUTE, 20 * MINUTE, 30 * MINUTE]
/** A destination that cannot be reached is left alone for so long, twice as long each time. */
const DEAD_MS_MIN = MINUTE
const DEAD_MS_MAX = 30 * MINUTE
const JITTER = 0.1

/** After so long the sender is told that the mail is still on its way. */
export const DELAY_NOTICE_MS = 4 * HOUR

/** What is held for so long is given up, a little before the store would destroy it. */
export const HELD_MS_MAX = (30 * 24 - 1) * HOUR

/** How long after its `attempts`-th attempt a mail waits for the next. */
export function pauseAfter(attempts: number, random: Random, pauses: readonly number[]): number {
  return jittered(pauses[Math.max(attempts, 1) - 1] ?? pauses.at(-1) ?? 0, random)
}

/** The same where the destination says that it greylists. Undefined: it has said so too often, and is tried as others are. */
export function greylistPauseAfter(attempts: number, random: Random): number | undefined {
  const pause = GREYLIST_PAUSES[Math.max(attempts, 1) - 1]
  return pause === undefined ? undefined : jittered(pause, random)
}

/** How long nobody tries a destination that could not be reached `failures` times in a row. */
export function deadFor(failures: number, random: Random): number {
  return jittered(Math.min(DEAD_MS_MIN * 2 ** Math.min(failures - 1, 10), DEAD_MS_MAX), random)
}

/** Up to a tenth more or less, so that what failed together does not come back together. */
function jittered(ms: number, random: Random): number {
  const part = random.bytes(4).readUInt32BE() / 2 ** 32
  return Math.round(ms * (1 - JITTER + 2 * JITTER * part))
}
