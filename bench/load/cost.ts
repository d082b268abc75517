/** What a stretch of load cost: time, processor seconds of the server and of the load, and what strangers took of the server's core. */
import { readCoreBusySeconds, readCpuSeconds, readWrittenBytes } from '../proc.ts'

/** Where the server under load runs. */
export interface ServerPlace {
  readonly port: number
  readonly domain: string
  readonly accounts: readonly { readonly username: string; readonly password: string }[]
  /** Process ids of the server, and the core it is pinned to. */
  readonly serverRoots: readonly number[]
  readonly serverCore: number
}

export interface Cost {
  readonly seconds: number
  readonly serverCpuSeconds: number
  /** Of the process that measures, and of those it has started. */
  readonly loadCpuSeconds: number
  /** What others took of the server's core meanwhile. */
  readonly foreignCpuSeconds: number
  /** What the server wrote to storage. */
  readonly writtenBytes: number
}

type Measured = Pick<ServerPlace, 'serverRoots' | 'serverCore'>

export class Meter {
  readonly #place: Measured
  readonly #server: number
  readonly #core: number
  readonly #written: number
  readonly #load = readCpuSeconds([process.pid])
  readonly #began = performance.now()
  #lap: Cost | undefined

  constructor(place: Measured) {
    this.#place = place
    this.#server = readCpuSeconds(place.serverRoots)
    this.#core = readCoreBusySeconds(place.serverCore)
    this.#written = readWrittenBytes(place.serverRoots)
  }

  /** The work is done as the load sees it: ends the time, while the server's processor seconds go on until `read`. */
  lap(): void {
    this.#lap = this.#now()
  }

  read(): Cost {
    const now = this.#now()
    return { ...(this.#lap ?? now), serverCpuSeconds: now.serverCpuSeconds }
  }

  #now(): Cost {
    const serverCpuSeconds = readCpuSeconds(this.#place.serverRoots) - this.#server
    const busy = readCoreBusySeconds(this.#place.serverCore) - this.#core
    return {
      seconds: (performance.now() - this.#began) / 1_000,
      loadCpuSeconds: readCpuSeconds([process.pid]) - this.#load,
      serverCpuSeconds,
      foreignCpuSeconds: Math.max(0, busy - serverCpuSeconds),
      writtenBytes: readWrittenBytes(this.#place.serverRoots) - this.#written,
    }
  }
}
