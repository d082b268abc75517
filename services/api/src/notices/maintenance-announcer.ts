/** Tells people of planned maintenance: one notice for each, under its id, however often it is looked at; withdrawn when it is called off or over. */
import type { Clock } from '@sealpost/runtime'
import type { Component } from '../status/component.ts'
import type { MaintenanceDesk } from '../status/maintenance.ts'
import type { Maintenance } from '../status/store.ts'
import type { NewNotice, Notices } from './notices.ts'

export interface MaintenanceAnnouncerOptions {
  readonly maintenance: Pick<MaintenanceDesk, 'find' | 'planned'>
  readonly notices: Pick<Notices, 'publish' | 'retract'>
  readonly clock: Pick<Clock, 'now'>
}

export class MaintenanceAnnouncer {
  readonly #options: MaintenanceAnnouncerOptions

  constructor(options: MaintenanceAnnouncerOptions) {
    this.#options = options
  }

  /** Of one that has changed. */
  async settle(id: string): Promise<void> {
    const maintenance = await this.#options.maintenance.find(id)
    if (maintenance !== undefined) await this.#settle(maintenance)
  }

  /** What a process that died has left. */
  async settleAll(): Promise<void> {
    for (const maintenance of await this.#options.maintenance.planned()) await this.#settle(maintenance)
  }

  async #settle(maintenance: Maintenance): Promise<void> {
    const { notices, clock } = this.#options
    const isOver = maintenance.cancelledAt !== undefined || maintenance.endsAt <= clock.now()
    if (isOver) await notices.retract(maintenance.id)
    else await notices.publish(toNotice(maintenance), maintenance.id)
  }
}

const WORDS: Readonly<Record<Component, string>> = {
  chat: 'Chat',
  voice: 'Calls',
  mail: 'Mail',
  keys: 'The key directory',
  api: 'The account page',
}

function toNotice({ components, summary, beginsAt, endsAt }: Maintenance): NewNotice {
  return {
    kind: 'maintenance',
    audience: { to: 'all' },
    title: summary,
    body: `Planned maintenance. May be interrupted: ${components.map((component) => WORDS[component]).join(', ')}.`,
    startsAt: beginsAt,
    endsAt,
  }
}
