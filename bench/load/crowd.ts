/** Many clients of one server at once. */
import { Client, type ClientOptions } from './client.ts'
import type { ServerPlace } from './cost.ts'

/** Sign-ins under way at a time. */
const AT_ONCE = 10

export type Reactions = Pick<
  ClientOptions,
  'run' | 'onMessage' | 'onChunkEnd' | 'onAcknowledged' | 'onFailure' | 'events' | 'onPresence' | 'onIq'
>

/** Account `index` signs in, always with the same resource. */
export async function openClient(place: ServerPlace, index: number, reactions: Reactions): Promise<Client> {
  const { port, domain, accounts } = place
  const account = accounts[index]
  if (account === undefined) throw new Error('there are too few accounts')
  return Client.open({ port, domain, ...account, resource: `bench-${index}`, ...reactions })
}

/** Calls `work` for 0 … count − 1, a few at a time; results in that order. */
export async function forEachOf<T>(
  count: number,
  work: (index: number) => Promise<T>,
  atOnce = AT_ONCE,
): Promise<T[]> {
  const results: T[] = []
  const queue = Array(count).keys()
  const worker = async (): Promise<void> => {
    for (const index of queue) results[index] = await work(index)
  }
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, worker))
  return results
}

/** For clients that expect nothing but their sign-in. */
export const NO_REACTIONS: Omit<Reactions, 'onFailure'> = {
  run: '',
  onMessage: () => {},
  onChunkEnd: () => {},
}
