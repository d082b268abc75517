/** A request of somebody who belongs to a group. */
import type { Element } from '@sealpost/stanza'
import type { Session } from '../../core/module.ts'
import type { Room } from './room.ts'
import type { Affiliated } from './store.ts'

export interface GroupRequest {
  readonly session: Session
  readonly room: Room
  /** What its sender is there. */
  readonly member: Affiliated
  /** The one payload element (RFC 6120 §8.2.3). */
  readonly query: Element
}
