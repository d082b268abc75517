/** The areas of `/admin`, in the order of the menu, with the permission that shows them and the key that leads there after `g`. */
import type { IconName } from '../parts/icon.tsx'

export interface Place {
  /** Of its text, `nav.…`, and of its page. */
  readonly name: PlaceName
  readonly href: string
  readonly icon: IconName
  readonly permission?: string
  /** Not for administrators of one organisation. */
  readonly isOfServer?: boolean
  /** Of the server: only where it is on. */
  readonly module?: 'affiliates'
  readonly shortcut?: string
}

export type PlaceName =
  | 'overview'
  | 'accounts'
  | 'organisations'
  | 'invites'
  | 'administrators'
  | 'reviews'
  | 'mail_queue'
  | 'desk'
  | 'mail_reports'
  | 'approvals'
  | 'audit'
  | 'domains'
  | 'plans'
  | 'api_keys'
  | 'webhooks'
  | 'security'
  | 'statistics'
  | 'incidents'
  | 'agreement'
  | 'subscriptions'
  | 'affiliates'
  | 'crashes'
  | 'keys'
  | 'abuse'
  | 'legal'
  | 'privacy'
  | 'policies'
  | 'notices'

export interface PlaceGroup {
  readonly name: 'server' | 'people' | 'mail' | 'duties' | 'settings'
  readonly places: readonly Place[]
}

export const PLACES: readonly PlaceGroup[] = [
  {
    name: 'server',
    places: [
      {
        name: 'overview',
        href: '/overview',
        icon: 'overview',
        permission: 'statistics:read',
        shortcut: 'o',
        isOfServer: true,
      },
      {
        name: 'statistics',
        href: '/statistics',
        icon: 'chart',
        permission: 'statistics:read',
        shortcut: 't',
        isOfServer: true,
      },
      {
        name: 'incidents',
        href: '/incidents',
        icon: 'pulse',
        permission: 'status:read',
        shortcut: 'e',
        isOfServer: true,
      },
      { name: 'crashes', href: '/crashes', icon: 'warning', permission: 'crashes:read', isOfServer: true },
      { name: 'approvals', href: '/approvals', icon: 'check', permission: 'approvals:read' },
      { name: 'audit', href: '/audit', icon: 'audit', permission: 'audit:read', shortcut: 'l' },
    ],
  },
  {
    name: 'people',
    places: [
      { name: 'accounts', href: '/accounts', icon: 'accounts', permission: 'accounts:read', shortcut: 'a' },
      {
        name: 'organisations',
        href: '/organisations',
        icon: 'organisation',
        permission: 'organisations:read',
        shortcut: 'c',
      },
      { name: 'invites', href: '/invites', icon: 'invite', permission: 'invites:read', shortcut: 'i' },
      {
        name: 'subscriptions',
        href: '/subscriptions',
        icon: 'plan',
        permission: 'billing:read',
        shortcut: 'b',
      },
      {
        name: 'affiliates',
        href: '/affiliates',
        icon: 'megaphone',
        permission: 'affiliates:read',
        module: 'affiliates',
        isOfServer: true,
      },
      { name: 'administrators', href: '/administrators', icon: 'person', permission: 'admins:read' },
    ],
  },
  {
    name: 'mail',
    places: [
      {
        name: 'mail_queue',
        href: '/mail',
        icon: 'mail',
        permission: 'mail:read',
        shortcut: 'm',
        isOfServer: true,
      },
      { name: 'keys', href: '/keys', icon: 'key', permission: 'keys:read', shortcut: 'y', isOfServer: true },
      {
        name: 'desk',
        href: '/desk',
        icon: 'envelope',
        permission: 'desk:read',
        shortcut: 'd',
        isOfServer: true,
      },
      { name: 'reviews', href: '/reviews', icon: 'warning', permission: 'accounts:read', isOfServer: true },
      {
        name: 'mail_reports',
        href: '/mail-reports',
        icon: 'pulse',
        permission: 'mail:read',
        isOfServer: true,
      },
    ],
  },
  {
    name: 'duties',
    places: [
      {
        name: 'abuse',
        href: '/abuse',
        icon: 'desk',
        permission: 'abuse:read',
        shortcut: 'r',
        isOfServer: true,
      },
      { name: 'legal', href: '/legal', icon: 'scale', permission: 'legal:read', isOfServer: true },
      { name: 'privacy', href: '/privacy', icon: 'person', permission: 'privacy:read', isOfServer: true },
      { name: 'policies', href: '/policies', icon: 'audit', permission: 'policies:read', isOfServer: true },
      {
        name: 'notices',
        href: '/notices',
        icon: 'megaphone',
        permission: 'policies:read',
        shortcut: 'n',
        isOfServer: true,
      },
      { name: 'agreement', href: '/agreement', icon: 'check', permission: 'status:read', isOfServer: true },
    ],
  },
  {
    name: 'settings',
    places: [
      {
        name: 'domains',
        href: '/domains',
        icon: 'domain',
        permission: 'domains:read',
        shortcut: 's',
        isOfServer: true,
      },
      { name: 'plans', href: '/plans', icon: 'plan', permission: 'plans:read', shortcut: 'p' },
      { name: 'webhooks', href: '/webhooks', icon: 'webhook', permission: 'webhooks:read', isOfServer: true },
      { name: 'api_keys', href: '/api-keys', icon: 'key', permission: 'apikeys:read', shortcut: 'k' },
      { name: 'security', href: '/security', icon: 'lock' },
    ],
  },
]
