/** The areas of `/admin`, in the order of the menu, with the permission that shows them and the key that leads there after `g`. */
import type { IconName } from '../parts/icon.tsx'

export interface Place {
  /** Of its text, `nav.…`, and of its page. */
  readonly name: PlaceName
  readonly href: string
  readonly icon: IconName
  readonly permission?: string
  readonly shortcut?: string
}

export type PlaceName =
  | 'accounts'
  | 'reviews'
  | 'mail_queue'
  | 'desk'
  | 'mail_reports'
  | 'domains'
  | 'plans'
  | 'api_keys'

export interface PlaceGroup {
  readonly name: 'people' | 'mail' | 'settings'
  readonly places: readonly Place[]
}

export const PLACES: readonly PlaceGroup[] = [
  {
    name: 'people',
    places: [
      { name: 'accounts', href: '/accounts', icon: 'accounts', permission: 'accounts:read', shortcut: 'a' },
      { name: 'reviews', href: '/reviews', icon: 'warning', permission: 'accounts:read' },
    ],
  },
  {
    name: 'mail',
    places: [
      { name: 'mail_queue', href: '/mail', icon: 'mail', permission: 'mail:read', shortcut: 'm' },
      { name: 'desk', href: '/desk', icon: 'desk', permission: 'desk:read', shortcut: 'd' },
      { name: 'mail_reports', href: '/mail-reports', icon: 'pulse', permission: 'mail:read' },
    ],
  },
  {
    name: 'settings',
    places: [
      { name: 'domains', href: '/domains', icon: 'domain', permission: 'domains:read', shortcut: 's' },
      { name: 'plans', href: '/plans', icon: 'plan', permission: 'plans:read', shortcut: 'p' },
      { name: 'api_keys', href: '/api-keys', icon: 'key', permission: 'apikeys:read', shortcut: 'k' },
    ],
  },
]
