/** Whole numbers by lot. */
import type { Random } from '@sealpost/runtime'

/** 0 to `below` - 1, each as likely as any other. `below`: 1 to 2^32. */
export function fairDraw(random: Pick<Random, 'bytes'>, below: number): number {
  const fair = 2 ** 32 - (2 ** 32 % below)
  for (;;) {
    const drawn = random.bytes(4).readUInt32BE()
    if (drawn < fair) return drawn % below
  }
}
