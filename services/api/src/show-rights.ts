/** What the API itself holds about an account's rights, in the words of the document that its owner gets, and of the API. */
import type { OwnDataSection } from './own-data/own-data.ts'
import type { Legal } from './legal/legal.ts'
import type { LegalRequest } from './legal/store.ts'
import type { Notices } from './notices/notices.ts'
import type { Notice } from './notices/store.ts'
import type { PhoneState } from './phone/store.ts'
import type { Policies } from './policies/policies.ts'
import type { Privacy } from './privacy/privacy.ts'
import type { PrivacyRequest } from './privacy/store.ts'

export interface OwnRights {
  readonly privacy: Pick<Privacy, 'list'>
  readonly policies: Pick<Policies, 'accepted'>
  readonly notices: Pick<Notices, 'personal'>
  readonly legal: Pick<Legal, 'ofAccount'>
}

/** Of one account: it has no more open ones than twenty, and closed ones go. */
const REQUESTS_MAX = 10_000

/** Sections of the document. */
export function showOwnRights({ privacy, policies, notices, legal }: OwnRights) {
  return {
    privacy_requests: async ({ id: accountId }) =>
      (await privacy.list({ accountId, limit: REQUESTS_MAX })).items.map(showPrivacyRequest),
    policies: async ({ id }) =>
      (await policies.accepted(id)).map(({ kind, version, acceptedOn }) => ({
        kind,
        version,
        accepted_on: acceptedOn,
      })),
    notices: async ({ id }) => (await notices.personal(id)).map(showNotice),
    legal_requests: async ({ id }) => (await legal.ofAccount(id)).map(showOwnLegalRequest),
  } satisfies Record<string, OwnDataSection>
}

export function showPrivacyRequest(request: PrivacyRequest) {
  const { id, kind, state, origin, details, receivedOn, dueOn, closedOn, answer } = request
  return {
    id,
    kind,
    state,
    origin,
    received_on: receivedOn,
    due_on: dueOn,
    ...(details === undefined ? {} : { details }),
    ...(closedOn === undefined ? {} : { closed_on: closedOn }),
    ...(answer === undefined ? {} : { answer }),
  }
}

export function showNotice({ id, kind, title, body, ...notice }: Notice) {
  const { startsAt, endsAt, createdAt, shownUntil } = notice
  return {
    id,
    kind,
    title,
    body,
    created_at: showTime(createdAt),
    shown_until: showTime(shownUntil),
    ...(startsAt === undefined ? {} : { starts_at: showTime(startsAt) }),
    ...(endsAt === undefined ? {} : { ends_at: showTime(endsAt) }),
  }
}

/** For the user, once nothing forbids it. */
function showOwnLegalRequest(request: LegalRequest) {
  const { state, authority, receivedOn, sought, deviceType, closedOn, notifiedOn } = request
  return {
    state,
    authority,
    received_on: receivedOn,
    sought,
    ...(deviceType === undefined ? {} : { device_type: deviceType }),
    ...(closedOn === undefined ? {} : { closed_on: closedOn }),
    ...(notifiedOn === undefined ? {} : { notified_on: notifiedOn }),
  }
}

/** The number itself is not kept. */
export function showPhone({ confirmedOn, pendingUntil }: PhoneState) {
  return {
    ...(confirmedOn === undefined ? {} : { confirmed_on: confirmedOn }),
    ...(pendingUntil === undefined ? {} : { pending_until: showTime(pendingUntil) }),
  }
}

export function showTime(ms: number): string {
  return new Date(ms).toISOString()
}
