/** Sending one stanza to many sessions without holding up everybody else. */
import { setImmediate as turn } from 'node:timers/promises'
import type { MaybePromise } from '@sealpost/runtime'
import type { Session } from '../../core/session.ts'

/** Stanzas sent before the event loop gets its turn. */
const SLICE = 200

/** Sends what `xmlFor` returns to each session; a promise only when there are many. `undefined` skips a session. */
export function fanOut(
  sessions: readonly Session[],
  xmlFor: (session: Session) => string | undefined,
): MaybePromise<void> {
  sendSlice(sessions, 0, xmlFor)
  if (sessions.length > SLICE) return sendRest(sessions, xmlFor)
}

async function sendRest(
  sessions: readonly Session[],
  xmlFor: (session: Session) => string | undefined,
): Promise<void> {
  for (let start = SLICE; start < sessions.length; start += SLICE) {
    await turn()
    sendSlice(sessions, start, xmlFor)
  }
}

function sendSlice(
  sessions: readonly Session[],
  start: number,
  xmlFor: (session: Session) => string | undefined,
): void {
  for (const session of sessions.slice(start, start + SLICE)) {
    const xml = xmlFor(session)
    if (xml !== undefined) session.send(xml)
  }
}
