/** How a load process talks with the benchmark that started it: orders come as the first message over IPC, the report goes back the same way. */
import { once } from 'node:events'

/** What `runLoad` was given. */
export async function receiveOrders(): Promise<unknown> {
  const [orders] = (await once(process, 'message')) as [unknown]
  return orders
}

/** Sends the report and ends the process. */
export function sendReport(report: object): void {
  process.send?.(report, () => process.exit())
}
