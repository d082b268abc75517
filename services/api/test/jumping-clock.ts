import { VirtualClock } from '@sealpost/runtime'

/** A clock that is set, as by whoever runs the machine: the time of day jumps, timers wait as they did. Days pass without each of their seconds. */
export class JumpingClock extends VirtualClock {
  #jumped = 0

  jump(ms: number): void {
    this.#jumped += ms
  }

  override now(): number {
    return super.now() + this.#jumped
  }
}
