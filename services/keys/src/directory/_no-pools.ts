import type { PublicationPools } from './directory.ts'

/** As of addresses that are nobody's here. */
export const noPools: PublicationPools = {
  take: () => Promise.resolve('held'),
  giveBack: () => Promise.resolve(),
}
