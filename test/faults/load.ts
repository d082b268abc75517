/** Devices that send one message after the other. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Device } from './device.ts'

export const EVERY_MS = 10

/** Each sender sends to its account, without a break, until stopped. */
export function sending(pairs: readonly (readonly [sender: Device, to: string])[]) {
  const over = new AbortController()
  const running = (async () => {
    while (!over.signal.aborted) {
      for (const [sender, to] of pairs) sender.send(to)
      await pause(EVERY_MS)
    }
  })()
  const stop = () => {
    over.abort()
    return running
  }
  return { stop, [Symbol.asyncDispose]: stop }
}
