/**
 * What clients can read about the server itself: whom to write to (XEP-0157), and what becomes of data (XEP-0504). The forms say what is so, as configured;
 * retention is that of messages and uploaded files, which are all that is stored without its owner having published it.
 */
import { dataPolicy } from '@sealpost/data-map'
import { type Element, element, NS_DATA, NS_DATA_POLICY, NS_SERVER_INFO } from '@sealpost/stanza'
import { defineModule, type Module } from '../core/module.ts'
import type { DomainPolicies } from '../policy/domain-policies.ts'

/** Addresses of whoever runs the server, as URIs. */
export interface ServerContacts {
  /** Origin of the pages: status and policies. */
  readonly publicOrigin: () => string
  readonly supportUrl: string | undefined
}

/** Of the database. Undefined: whoever runs it knows. */
export interface BackupPolicy {
  /** 0: none are made. */
  readonly everyHours: number | undefined
  readonly keptHours: number | undefined
}

export interface ServerInfoOptions {
  readonly contacts: ServerContacts
  readonly backups: BackupPolicy
  readonly policies: Pick<DomainPolicies, 'of'>
  readonly uploads?: { readonly limits: { readonly keepSeconds: number } }
}

export const serverInfo = ({ contacts, backups, policies, uploads }: ServerInfoOptions): Module =>
  defineModule({
    name: 'server-info',
    implements: ['XEP-0157 1.1.1', 'XEP-0504 0.1.0'],
    depends: ['disco'],
    setup(host) {
      const [domain = 'localhost'] = host.domains
      const disco = host.need('disco')
      disco.addHostForm(
        remembered(
          (): [string] => [contacts.publicOrigin()],
          (origin) => contactsOf(domain, origin, contacts.supportUrl),
        ),
      )
      disco.addHostForm(
        remembered(
          (): [string, number] => {
            const { storage, messageTtlSeconds } = policies.of(domain)
            const seconds = Math.max(messageTtlSeconds, uploads?.limits.keepSeconds ?? 0)
            return [contacts.publicOrigin(), storage === 'none' ? 0 : Math.ceil(seconds / 3600)]
          },
          (origin, hours) => dataPolicyForm(origin, hours, backups),
        ),
      )
    },
  })

/** The same form until what it is made of changes. */
function remembered<Parts extends readonly (string | number)[]>(
  read: () => Parts,
  make: (...parts: Parts) => Element,
): () => Element {
  let made: { readonly parts: Parts; readonly form: Element } | undefined
  return () => {
    const parts = read()
    if (!made?.parts.every((part, index) => part === parts[index])) made = { parts, form: make(...parts) }
    return made.form
  }
}

/** XEP-0157 §4. The mail relay takes mail for these two names, whoever has them or nobody (RFC 2142). */
function contactsOf(domain: string, publicOrigin: string, supportUrl: string | undefined): Element {
  return form(NS_SERVER_INFO, [
    ['abuse-addresses', 'list-multi', `mailto:abuse@${domain}`],
    ['admin-addresses', 'list-multi', `mailto:postmaster@${domain}`],
    ['status-addresses', 'list-multi', `${publicOrigin}/status`],
    ...(supportUrl === undefined ? [] : [['support-addresses', 'list-multi', supportUrl] as const]),
  ])
}

/** XEP-0504 §3: what follows from the data map, how long what is stored is kept, and what becomes of backups. */
function dataPolicyForm(
  publicOrigin: string,
  hours: number,
  { everyHours, keptHours }: BackupPolicy,
): Element {
  const {
    authData,
    encryptionAtRest,
    dataDeletion,
    dataExport,
    fullErasure,
    accessPolicy,
    readableInBackups,
  } = dataPolicy()
  return form(NS_DATA_POLICY, [
    ['auth_data', 'list-single', authData],
    ['data_retention', 'text-single', String(hours)],
    ['encryption_at_rest', 'boolean', String(encryptionAtRest)],
    ['data_deletion', 'boolean', String(dataDeletion)],
    ['data_export', 'boolean', String(dataExport)],
    ['access_policy', 'list-multi', ...accessPolicy],
    ['full_erasure', 'boolean', String(fullErasure)],
    ...(everyHours === undefined ? [] : [['backup_frequency', 'text-single', String(everyHours)] as const]),
    ['backup_retention', 'text-single', keptHours === undefined ? 'unknown' : String(keptHours)],
    ...(readableInBackups ? [] : [['extra_info', 'text-multi', UNREADABLE] as const]),
    ['tos', 'text-single', `${publicOrigin}/policies`],
  ])
}

const UNREADABLE =
  'No message, mail or uploaded file can be read from a backup: the keys of what waits are never in one.'

function form(type: string, fields: readonly (readonly [string, string, ...string[]])[]): Element {
  const all = [['FORM_TYPE', 'hidden', type] as const, ...fields]
  return element(
    'x',
    NS_DATA,
    { type: 'result' },
    ...all.map(([name, kind, ...values]) =>
      element(
        'field',
        NS_DATA,
        { var: name, type: kind },
        ...values.map((value) => element('value', NS_DATA, {}, value)),
      ),
    ),
  )
}
