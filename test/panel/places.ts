/** The pages that are looked at. */
export interface ShownPage {
  readonly name: string
  readonly path: string
  /** It is shown on a phone, too. */
  readonly onPhone?: boolean
}

export const ADMIN_PAGES: readonly ShownPage[] = [
  { name: 'approvals', path: '/admin/approvals' },
  { name: 'audit', path: '/admin/audit' },
  { name: 'accounts', path: '/admin/accounts', onPhone: true },
  { name: 'account', path: '/admin/accounts/alice%40localhost' },
  { name: 'organisations', path: '/admin/organisations' },
  { name: 'invites', path: '/admin/invites' },
  { name: 'administrators', path: '/admin/administrators' },
  { name: 'affiliates', path: '/admin/affiliates' },
  { name: 'crashes', path: '/admin/crashes' },
  { name: 'mail-queue', path: '/admin/mail' },
  { name: 'desk', path: '/admin/desk' },
  { name: 'mail-reviews', path: '/admin/reviews' },
  { name: 'mail-reports', path: '/admin/mail-reports' },
  { name: 'domains', path: '/admin/domains' },
  { name: 'domain', path: '/admin/domains/localhost' },
  { name: 'plans', path: '/admin/plans' },
  { name: 'webhooks', path: '/admin/webhooks' },
  { name: 'api-keys', path: '/admin/api-keys' },
  { name: 'security', path: '/admin/security' },
  { name: 'statistics', path: '/admin/statistics' },
  { name: 'incidents', path: '/admin/incidents' },
  { name: 'agreement', path: '/admin/agreement' },
  { name: 'subscriptions', path: '/admin/subscriptions' },
  { name: 'keys', path: '/admin/keys' },
  { name: 'abuse', path: '/admin/abuse' },
  { name: 'legal', path: '/admin/legal' },
  { name: 'privacy', path: '/admin/privacy' },
  { name: 'policies', path: '/admin/policies' },
  { name: 'policy', path: '/admin/policies/terms/1' },
  { name: 'notices', path: '/admin/notices' },
  { name: 'compose', path: '/admin/notices/new' },
  { name: 'not-found', path: '/admin/nothing' },
  // The last: by then something has been collected.
  { name: 'overview', path: '/admin/overview', onPhone: true },
]

/** Seen by everybody. */
export const PUBLIC_PAGES: readonly ShownPage[] = [
  { name: 'sign-in', path: '/admin' },
  { name: 'enrol', path: '/admin/invite/some-token' },
  { name: 'status', path: '/status', onPhone: true },
  { name: 'account-sign-in', path: '/account' },
  { name: 'contact', path: `/contact/alice%40localhost/${'A'.repeat(43)}` },
  { name: 'abuse-form', path: '/abuse' },
  { name: 'public-policies', path: '/policies' },
  { name: 'public-policy', path: '/policies/terms' },
  { name: 'key-directory', path: '/keys' },
  { name: 'api-reference', path: '/v1/docs' },
]

/** Of whoever has signed in to their account. */
export const ACCOUNT_PAGES: readonly ShownPage[] = [
  { name: 'own-account', path: '/account', onPhone: true },
  { name: 'own-devices', path: '/account/devices' },
  { name: 'own-sign-in', path: '/account/sign-in' },
  { name: 'own-keys', path: '/account/keys' },
  { name: 'own-mail', path: '/account/mail' },
  { name: 'own-lists', path: '/account/lists' },
  { name: 'own-data', path: '/account/data' },
]
