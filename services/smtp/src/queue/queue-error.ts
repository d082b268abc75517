import { OperationalError } from '@sealpost/errors'

const REASONS = {
  QUEUE_FULL: 'There is no room for another mail',
  QUEUE_UNAVAILABLE: 'The mail cannot be kept safely now',
  QUEUE_CLOSED: 'The queue is closed',
} as const

export type QueueErrorCode = keyof typeof REASONS

/** Nothing was kept. The client is told to try again: 452 when it is full, else 451. */
export class QueueError extends OperationalError {
  override readonly name = 'QueueError'
  declare readonly code: QueueErrorCode

  constructor(code: QueueErrorCode, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}
