/** The table of contents of the relay: one line a feature, in load order. */
import type { AccountsDomain, Guesses } from '@sealpost/accounts'
import type { Module } from '../core/module.ts'
import type { SessionLifecycle } from '../core/session-lifecycle.ts'
import type { TurnRelay } from '@sealpost/turn'
import type { Delivery } from '../delivery/delivery.ts'
import type { DeviceHashes } from '../delivery/device-hashes.ts'
import type { DeviceRegistry } from '../delivery/device-registry.ts'
import type { XmppEvents } from '../events.ts'
import type { DomainPolicies } from '../policy/domain-policies.ts'
import { adHoc, type AdHocOptions } from './ad-hoc/ad-hoc.ts'
import { bind } from './bind.ts'
import { bind2 } from './bind2.ts'
import { blocking } from './blocking/blocking.ts'
import type { BlockStore } from './blocking/store.ts'
import { caps } from './caps/caps.ts'
import { carbons } from './carbons.ts'
import { clientState } from './client-state.ts'
import { deviceBinding } from './device-binding.ts'
import { administration, type AdministrationOptions } from './administration/administration.ts'
import { disco } from './disco.ts'
import { e2eePolicy } from './e2ee-policy.ts'
import { externalServices } from './external-services.ts'
import { fast, type FastOptions } from './fast/fast.ts'
import { groups, type GroupsOptions } from './groups/groups.ts'
import { invites } from './joining/invites.ts'
import { registration, type RegistrationOptions } from './joining/registration.ts'
import type { ContactInviteStore } from './joining/store.ts'
import { message } from './message.ts'
import { overrun } from './overrun.ts'
import { pep } from './pep/pep.ts'
import type { PepStore } from './pep/store.ts'
import { ping } from './ping.ts'
import { push, type PushOptions } from './push/push.ts'
import { privateXml } from './stored-xml/private-xml.ts'
import type { XmlStore } from './stored-xml/store.ts'
import { vCard } from './stored-xml/vcard.ts'
import { type BackupPolicy, serverInfo, type ServerContacts } from './server-info.ts'
import { presence } from './presence/presence.ts'
import { roster } from './roster/roster.ts'
import type { RosterStore } from './roster/store.ts'
import { sasl } from './sasl.ts'
import type { SignInOptions } from './sasl/sign-in.ts'
import { saslUpgrade } from './sasl-upgrade.ts'
import { sasl2 } from './sasl2.ts'
import { starttls } from './starttls.ts'
import { streamLimits, type StreamLimitsOptions } from './stream-limits.ts'
import { streamManagement } from './stream-management.ts'
import { upload, type UploadOptions } from './upload/upload.ts'

export interface ModuleOptions {
  readonly accounts: Pick<AccountsDomain, 'verifier' | 'setVerifiers' | 'accountInvites' | 'findById'> &
    SignInOptions['accounts']
  readonly guesses: Guesses
  readonly plain: SignInOptions['plain']
  readonly lifecycle: SessionLifecycle
  readonly delivery: Delivery
  readonly devices: DeviceRegistry
  readonly deviceHashes: DeviceHashes
  readonly rosters: RosterStore
  readonly blocked: BlockStore
  readonly pep: PepStore
  readonly xml: XmlStore
  readonly push: PushOptions['push']
  readonly wakeUps: PushOptions['wakeUps']
  readonly hasComponents: boolean
  readonly contacts: ServerContacts
  readonly backups: BackupPolicy
  readonly contactInvites: ContactInviteStore
  readonly registration: RegistrationOptions['registration']
  readonly administrators: AdministrationOptions['administrators']
  readonly commands: AdHocOptions['commands'] & AdministrationOptions['commands']
  readonly fast: FastOptions['fast']
  readonly groups: GroupsOptions['groups']
  readonly events: XmppEvents
  readonly policies: DomainPolicies
  readonly streamLimits: StreamLimitsOptions['streamLimits']
  readonly resumeTimeoutMs: number
  readonly silenceMs: number
  /** Undefined: there is none. */
  readonly turn?: TurnRelay
  /** Undefined: there is nothing to upload to. */
  readonly uploads?: NonNullable<UploadOptions['uploads']>
}

export const modules = (options: ModuleOptions): readonly Module[] => [
  starttls(),
  streamLimits(options),
  sasl(options),
  sasl2(options),
  saslUpgrade(options),
  bind2(),
  clientState(),
  fast(options),
  deviceBinding(options),
  bind(options),
  streamManagement(options),
  roster({ store: options.rosters }),
  blocking(options),
  presence(),
  disco(),
  serverInfo(options),
  caps(),
  pep({ store: options.pep }),
  privateXml(options),
  vCard(options),
  adHoc(options),
  administration(options),
  invites(options),
  registration(options),
  ping(),
  externalServices(options),
  upload(options),
  e2eePolicy(options),
  message(options),
  overrun(options),
  carbons(options),
  push(options),
  groups(options),
]
