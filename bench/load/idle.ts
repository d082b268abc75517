/** The load of the benchmark `idle`: a process of its own, started by bench/idle.ts on its own core. Signs in, does nothing, looks at the server. */
import { readCpuSeconds, readMemoryBytes, readResidentBytes } from '../proc.ts'
import { type ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient } from './crowd.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface IdleOrders extends ServerPlace {
  readonly sessions: number
  /** Between the last sign-in and the measurement. */
  readonly settleMs: number
}

export interface IdleReport {
  readonly sessions: number
  /** Growth of the server's resident memory from no session to all of them, pages that its processes share counted in each. */
  readonly residentBytes: number
  /** The same with each shared page counted once. */
  readonly proportionalBytes: number
  readonly signInSeconds: number
  /** Processor share of the server while all sessions were idle, 1 being the whole core. */
  readonly idleShare: number
}

async function run(orders: IdleOrders): Promise<IdleReport> {
  const { sessions, settleMs, serverRoots } = orders
  const resident = readResidentBytes(serverRoots)
  const proportional = readMemoryBytes(serverRoots)
  const began = performance.now()
  const onFailure = (error: Error): never => {
    throw error
  }
  await forEachOf(sessions, async (index) => {
    const client = await openClient(orders, index, { ...NO_REACTIONS, onFailure })
    client.becomeAvailable()
  })
  const signInSeconds = (performance.now() - began) / 1_000
  await rest(settleMs / 2)
  const busy = readCpuSeconds(serverRoots)
  await rest(settleMs / 2)
  return {
    sessions,
    residentBytes: readResidentBytes(serverRoots) - resident,
    proportionalBytes: readMemoryBytes(serverRoots) - proportional,
    signInSeconds,
    idleShare: (readCpuSeconds(serverRoots) - busy) / (settleMs / 2_000),
  }
}

async function rest(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}

sendReport(await run((await receiveOrders()) as IdleOrders))
