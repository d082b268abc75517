/** Webhooks in memory: the plain model of the Postgres store. */
import type { Delivery, WebhookEndpoint, WebhookStore } from './store.ts'

// oxlint-disable-next-line max-lines-per-function -- one closure over the three maps is the plainest model
export function memoryWebhooks(): WebhookStore {
  const endpoints = new Map<string, WebhookEndpoint>()
  const deliveries = new Map<string, Delivery>()
  const seen = new Set<string>()
  const put = (delivery: Delivery, change: Partial<Delivery>): void => {
    if (deliveries.has(delivery.id)) deliveries.set(delivery.id, { ...delivery, ...change })
  }
  const amend = (id: string, change: Partial<WebhookEndpoint>): WebhookEndpoint | undefined => {
    const known = endpoints.get(id)
    if (known !== undefined) endpoints.set(id, { ...known, ...change })
    return endpoints.get(id)
  }
  const remove = (obsolete: (delivery: Delivery) => boolean): void => {
    for (const delivery of deliveries.values()) if (obsolete(delivery)) deliveries.delete(delivery.id)
  }
  const dueOf = (endpointId: string, now: number): Delivery[] =>
    [...deliveries.values()]
      .filter((each) => each.endpointId === endpointId && each.state === 'waiting' && each.nextAt <= now)
      .sort((a, b) => a.nextAt - b.nextAt)
  return {
    async addEndpoint(endpoint, max) {
      if (endpoints.size >= max) return false
      endpoints.set(endpoint.id, endpoint)
      return true
    },
    endpoints: async () =>
      [...endpoints.values()].sort((a, b) => (a.createdOn + a.id < b.createdOn + b.id ? -1 : 1)),
    endpoint: async (id) => endpoints.get(id),
    async changeEndpoint(id, change) {
      const enabled = 'disabled' in change && change.disabled === undefined
      return amend(id, { ...change, ...(enabled ? { failingSince: undefined } : {}) })
    },
    async removeEndpoint(id) {
      remove(({ endpointId }) => endpointId === id)
      return endpoints.delete(id)
    },
    async addEvent(event, to) {
      if (seen.has(event.id)) return
      seen.add(event.id)
      for (const { id, endpointId } of to)
        if (endpoints.has(endpointId))
          deliveries.set(id, {
            id,
            endpointId,
            event,
            state: 'waiting',
            attempts: 0,
            nextAt: event.createdAt,
            outcome: undefined,
          })
    },
    async deliveries({ endpointId, state, after, limit }) {
      return [...deliveries.values()]
        .filter((each) => endpointId === undefined || each.endpointId === endpointId)
        .filter((each) => state === undefined || each.state === state)
        .filter((each) => after === undefined || each.id > after)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
    },
    delivery: async (id) => deliveries.get(id),
    due: async (now) =>
      [...endpoints.values()]
        .filter(({ id, disabled }) => disabled === undefined && dueOf(id, now).length > 0)
        .map(({ id }) => id),
    async claim(endpointId, limit, now, leaseUntil) {
      const claimed = dueOf(endpointId, now).slice(0, limit)
      for (const delivery of claimed) put(delivery, { nextAt: leaseUntil })
      return claimed.map((each) => ({ ...each, nextAt: leaseUntil }))
    },
    async delivered({ id, endpointId }, day) {
      deliveries.delete(id)
      amend(endpointId, { deliveredOn: day, failingSince: undefined })
    },
    async failed(delivery, outcome, now, nextAt) {
      const state = nextAt === undefined ? 'dead' : 'waiting'
      put(delivery, { attempts: delivery.attempts + 1, outcome, state, nextAt: nextAt ?? now })
      amend(delivery.endpointId, {
        failingSince: endpoints.get(delivery.endpointId)?.failingSince ?? now,
      })
    },
    async giveUp(endpointId, now) {
      for (const each of deliveries.values())
        if (each.endpointId === endpointId && each.state === 'waiting')
          put(each, { state: 'dead', nextAt: now })
    },
    async redeliver(which, now) {
      const dead = [...deliveries.values()].filter(
        (each) =>
          each.state === 'dead' &&
          ('id' in which ? each.id === which.id : each.endpointId === which.endpointId),
      )
      for (const each of dead) put(each, { state: 'waiting', attempts: 0, nextAt: now })
      return dead.length
    },
    waiting: async (endpointId) =>
      [...deliveries.values()].filter((each) => each.endpointId === endpointId && each.state === 'waiting')
        .length,
    async eraseAccount(accountId) {
      remove(({ event }) => event.accountId === accountId && event.type !== 'account.terminated')
    },
    async eraseDead(before) {
      remove(({ state, nextAt }) => state === 'dead' && nextAt < before)
    },
  }
}
