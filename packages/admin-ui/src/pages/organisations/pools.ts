/** What an organisation shares among its accounts. */
export const POOLS = ['accounts', 'mailbox_mib', 'mails_per_day', 'keys'] as const

export type PoolName = (typeof POOLS)[number]
