/** Sending one stanza to many sessions without holding up everybody else. */
import { setImmediate as turn } from 'node:timers/promises'
import type { MaybePromise } from '@sealpost/runtime'

/** Stanzas sent before the event loop gets its turn. */
const SLICE = 200

/** What is needed of a session. */
interface Recipient {
  send(xml: string): void
  sendWhenActive(key: string, xml: string): void
}

/**
 * Sends what `xmlFor` returns to each session; a promise only when there are many. `undefined` skips a session. `key`: it can wait while nobody looks at the
 * client, and replaces what waits with this key.
 */
export function fanOut<R extends Recipient>(
  sessions: readonly R[],
  xmlFor: (session: R) => string | undefined,
  key?: string,
): MaybePromise<void> {
  sendSlice(sessions, 0, xmlFor, key)
  if (sessions.length > SLICE) return sendRest(sessions, xmlFor, key)
}

async function sendRest<R extends Recipient>(
  sessions: readonly R[],
  xmlFor: (session: R) => string | undefined,
  key: string | undefined,
): Promise<void> {
  for (let start = SLICE; start < sessions.length; start += SLICE) {
    await turn()
    sendSlice(sessions, start, xmlFor, key)
  }
}

function sendSlice<R extends Recipient>(
  sessions: readonly R[],
  start: number,
  xmlFor: (session: R) => string | undefined,
  key: string | undefined,
): void {
  for (const session of sessions.slice(start, start + SLICE)) {
    const xml = xmlFor(session)
    if (xml === undefined) continue
    if (key === undefined) session.send(xml)
    else session.sendWhenActive(key, xml)
  }
}
