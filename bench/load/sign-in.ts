/** The load of the benchmark `signin`: a process of its own, started by bench/sign-in.ts on its own core. */
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient } from './crowd.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface SignInOrders extends ServerPlace {
  /** Sign-ins before those that are measured. */
  readonly warmUp: number
  readonly signIns: number
  /** Sign-ins under way at a time. */
  readonly atOnce: number
}

export interface SignInReport extends Cost {
  readonly signIns: number
  readonly cipher: string
}

async function run(orders: SignInOrders): Promise<SignInReport> {
  const { warmUp, signIns, atOnce, accounts } = orders
  let cipher = ''
  const signIn = async (index: number): Promise<void> => {
    const onFailure = (error: Error): never => {
      throw error
    }
    const client = await openClient(orders, index % accounts.length, { ...NO_REACTIONS, onFailure })
    if (cipher === '') cipher = client.cipher
    await client.close()
  }
  // Each account's keys are known from then on, and what compiles while it runs has run.
  await forEachOf(Math.max(accounts.length, warmUp), signIn, atOnce)
  const meter = new Meter(orders)
  await forEachOf(signIns, signIn, atOnce)
  return { signIns, cipher, ...meter.read() }
}

sendReport(await run((await receiveOrders()) as SignInOrders))
