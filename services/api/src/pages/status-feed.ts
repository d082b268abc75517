/**
 * The status for readers of feeds (RFC 4287), as badges, and in the form in which Uptime Kuma tells its status pages, for dashboards that read those. Public, and
 * no more than /v1/status says.
 */
import type { FastifyInstance, FastifyReply } from '@sealpost/http'
import { HttpProblem } from '@sealpost/http'
import { COMPONENTS, type Component } from '../status/component.ts'
import type { Status } from '../status/create-status.ts'
import type { ComponentStatus, PublicStatus, State } from '../status/public-status.ts'
import type { Incident, Maintenance } from '../status/store.ts'

const MAX_AGE = 'public, max-age=60'
/** The page of the panel. */
const PAGE = '/status'
const SLUG = 'sealpost'

export interface StatusFeedOptions {
  readonly status: Pick<Status, 'now'>
  readonly origin: () => string
}

/** Registers GET /status.atom, /v1/status/badges/:component, /api/status-page/:slug and /api/status-page/heartbeat/:slug. */
export function registerStatusFeed(app: FastifyInstance, { status, origin }: StatusFeedOptions): void {
  const hidden = { schema: { hide: true } } as const
  const open = (reply: FastifyReply, type: string): FastifyReply =>
    reply.type(type).headers({
      'cache-control': MAX_AGE,
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    })
  app.get('/status.atom', hidden, async (_request, reply) =>
    open(reply, 'application/atom+xml; charset=utf-8').send(atomFeed(await status.now(), origin())),
  )
  app.get<{ Params: { component: string } }>(
    '/v1/status/badges/:component',
    hidden,
    async (request, reply) => {
      const name = request.params.component.replace(/\.svg$/, '')
      const { state, components } = await status.now()
      const found = name === 'all' ? state : components.find(({ component }) => component === name)?.state
      if (found === undefined) throw unknown()
      return open(reply, 'image/svg+xml')
        .header('content-security-policy', "default-src 'none'")
        .send(badge(name, found))
    },
  )
  app.get<{ Params: { slug: string } }>('/api/status-page/:slug', hidden, async (request, reply) => {
    if (request.params.slug !== SLUG) throw unknown()
    return open(reply, 'application/json').send(kumaPage(await status.now()))
  })
  app.get<{ Params: { slug: string } }>(
    '/api/status-page/heartbeat/:slug',
    hidden,
    async (request, reply) => {
      if (request.params.slug !== SLUG) throw unknown()
      return open(reply, 'application/json').send(kumaHeartbeats(await status.now()))
    },
  )
}

const unknown = () => new HttpProblem(404, 'component-unknown', 'There is no such component')

/** RFC 4287: an entry for each incident and each announced maintenance, the newest first. */
export function atomFeed({ at, incidents, maintenance }: PublicStatus, origin: string): string {
  const entries = [...maintenance.map(maintenanceEntry), ...incidents.map(incidentEntry)].toSorted(
    (a, b) => b.updated - a.updated,
  )
  const updated = entries[0]?.updated ?? Math.floor(at / 86_400_000) * 86_400_000
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>${escape(origin)}/status.atom</id>
<title>Status of ${escape(new URL(origin).host)}</title>
<author><name>${escape(new URL(origin).host)}</name></author>
<link rel="self" href="${escape(origin)}/status.atom"/>
<link rel="alternate" href="${escape(origin)}${PAGE}"/>
<updated>${iso(updated)}</updated>
${entries.map(({ xml }) => xml).join('\n')}
</feed>
`
}

interface Entry {
  readonly updated: number
  readonly xml: string
}

function incidentEntry({
  id,
  title,
  severity,
  components,
  beganAt,
  endedAt,
  updates,
  report,
  reportedAt,
}: Incident): Entry {
  const updated = Math.max(beganAt, endedAt ?? 0, reportedAt ?? 0, updates.at(-1)?.at ?? 0)
  const lines = [
    `Severity: ${severity}. Components: ${components.join(', ')}.`,
    ...updates.map(({ at, text }) => `${iso(at)}: ${text}`),
    ...(endedAt === undefined ? [] : [`Over since ${iso(endedAt)}.`]),
    ...(report === undefined ? [] : [`Report: ${report}`]),
  ]
  return { updated, xml: entry({ id, title, published: beganAt, updated, content: lines.join('\n') }) }
}

function maintenanceEntry({ id, summary, components, announcedAt, beginsAt, endsAt }: Maintenance): Entry {
  const content = `${iso(beginsAt)} to ${iso(endsAt)}. Components: ${components.join(', ')}.`
  const title = `Maintenance: ${summary}`
  return {
    updated: announcedAt,
    xml: entry({ id, title, published: announcedAt, updated: announcedAt, content }),
  }
}

interface EntryParts {
  readonly id: string
  readonly title: string
  readonly published: number
  readonly updated: number
  readonly content: string
}

function entry({ id, title, published, updated, content }: EntryParts): string {
  return `<entry><id>urn:uuid:${escape(id)}</id><title>${escape(title)}</title><published>${iso(published)}</published><updated>${iso(updated)}</updated><content type="text">${escape(content)}</content></entry>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** What XML 1.0 cannot hold at all goes. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replaceAll(/[&<>"]/g, (char) => ESCAPES[char] ?? '')
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** White on these is readable (WCAG 2, 4.5:1). */
const COLOURS: Readonly<Record<State, string>> = {
  up: '#1a7f37',
  degraded: '#9a6700',
  down: '#b42318',
  maintenance: '#0b5cad',
  unknown: '#57606a',
}

function badge(name: string, state: State): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="150" height="20" role="img" aria-label="${name}: ${state}"><title>${name}: ${state}</title><rect width="56" height="20" rx="3" fill="#24292f"/><rect x="53" width="97" height="20" rx="3" fill="${COLOURS[state]}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="8" y="14">${name}</text><text x="63" y="14">${state}</text></g></svg>`
}

/** Kuma's words: 0 down, 1 up, 2 pending, 3 maintenance. */
const KUMA: Readonly<Record<State, number>> = { down: 0, degraded: 1, up: 1, unknown: 2, maintenance: 3 }

function kumaPage({ components }: PublicStatus): object {
  const monitorList = components.map(({ component }) => ({
    id: idOf(component),
    name: component,
    type: 'push',
  }))
  return {
    config: { slug: SLUG, title: 'Sealpost', description: null, published: true },
    incident: null,
    publicGroupList: [{ id: 1, name: 'Services', weight: 1, monitorList }],
    maintenanceList: [],
  }
}

function kumaHeartbeats({ at, components }: PublicStatus): object {
  const time = iso(at).replace('T', ' ').replace('Z', '')
  const beat = ({ component, state }: ComponentStatus) => [
    String(idOf(component)),
    [{ status: KUMA[state], time, msg: '', ping: null }],
  ]
  const uptime = ({ component, days }: ComponentStatus) => [`${String(idOf(component))}_24`, uptimeOf(days)]
  return {
    heartbeatList: Object.fromEntries(components.map(beat)) as object,
    uptimeList: Object.fromEntries(components.map(uptime)) as object,
  }
}

const idOf = (component: Component): number => COMPONENTS.indexOf(component) + 1

/** The share of today and yesterday in which it served, as near to 24 hours as days allow. */
function uptimeOf(days: ComponentStatus['days']): number {
  const known = days.slice(-2)
  const good = known.reduce((sum, day) => sum + day.good, 0)
  const all = known.reduce((sum, day) => sum + day.good + day.lost, 0)
  return all === 0 ? 1 : good / all
}
