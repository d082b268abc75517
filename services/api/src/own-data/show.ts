/** What services hold of an account, in the words of the document. */
import type { KeysOwnData, MailOwnData, OwnContact, OwnDevice, RelayOwnData } from '@sealpost/ports'

export function showChat({
  devices,
  queues,
  contacts,
  blocked,
  groups,
  nodes,
  subscriptions,
  elements,
  files,
  contactInvites,
}: RelayOwnData): object {
  return {
    devices: devices.map(showDevice),
    queues: queues.map(({ deviceId, messages, bytes, oldestAgeSeconds }) => ({
      ...(deviceId === undefined ? {} : { device: deviceId }),
      messages,
      bytes,
      ...(oldestAgeSeconds === undefined ? {} : { oldest_seconds: oldestAgeSeconds }),
    })),
    contacts: contacts.map(showContact),
    blocked,
    groups: groups.map(({ nick, ...group }) => ({ ...group, ...(nick === undefined ? {} : { nick }) })),
    nodes,
    subscriptions,
    elements,
    files: files.map(({ bytes, uploadedAt, expiresAt, fetchesLeft }) => ({
      bytes,
      uploaded_at: new Date(uploadedAt).toISOString(),
      expires_at: new Date(expiresAt).toISOString(),
      ...(fetchesLeft === undefined ? {} : { fetches_left: fetchesLeft }),
    })),
    contact_invites: contactInvites.map(({ expiresAt }) => ({
      expires_at: new Date(expiresAt).toISOString(),
    })),
  }
}

function showDevice(device: OwnDevice): object {
  return {
    id: device.id,
    created_on: device.createdOn,
    last_seen_on: device.lastSeenOn,
    registered: device.registered,
    waiting: device.waiting,
    overrun: device.overrun,
    ...(device.label === undefined ? {} : { label: device.label }),
    typed: device.typed,
    bound: device.bound,
    carbons: device.carbons,
    tokens: device.tokens.map(({ mechanism, expiresOn }) => ({ mechanism, expires_on: expiresOn })),
    pushes: device.pushes,
  }
}

function showContact({ pendingIn, name, ...contact }: OwnContact): object {
  return { ...contact, ...(name === undefined ? {} : { name }), pending_in: pendingIn }
}

export function showKeys({ certificates, pending }: KeysOwnData): object {
  return {
    certificates: certificates.map((each) => ({
      fingerprint: each.fingerprint,
      algorithm: each.algorithm,
      created_on: each.createdOn,
      ...(each.expiresOn === undefined ? {} : { expires_on: each.expiresOn }),
      revoked: each.revoked,
      published: each.published,
      suspended: each.suspended,
      certificate: each.certificate.toString('base64'),
    })),
    pending: pending.map(({ purpose, expiresAt }) => ({
      purpose,
      expires_at: new Date(expiresAt).toISOString(),
    })),
  }
}

export function showMail({ outgoing, waiting, pgp, onMissingKey, lists }: MailOwnData): object {
  return {
    outgoing,
    waiting,
    settings: {
      ...(pgp === undefined ? {} : { pgp }),
      ...(onMissingKey === undefined ? {} : { on_missing_key: onMissingKey }),
    },
    lists: lists.map(({ listId, ...counts }) => ({ list_id: listId, ...counts })),
  }
}
