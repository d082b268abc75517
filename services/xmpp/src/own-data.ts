/** What the relay holds of an account, for its owner to have: devices, how much waits, contacts, groups, what clients have published. Messages are not in it: they are for devices. */
import type { Accounts } from '@sealpost/accounts'
import type {
  OwnContact,
  OwnData,
  OwnDevice,
  OwnFile,
  OwnGroup,
  OwnNode,
  Relay,
  RelayOwnData,
} from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { DeviceStore } from './delivery/device-store.ts'
import type { BlockStore } from './modules/blocking/store.ts'
import type { FastTokenStore } from './modules/fast/token-store.ts'
import type { GroupStore, Membership } from './modules/groups/store.ts'
import { configForm } from './modules/pep/node-config.ts'
import type { ContactInviteStore } from './modules/joining/store.ts'
import type { PepNode, PepStore } from './modules/pep/store.ts'
import type { PushRegistry } from './modules/push/push-registry.ts'
import type { Upload, Uploads } from './modules/upload/uploads.ts'
import type { XmlStore } from './modules/stored-xml/store.ts'
import type { RosterItem, RosterStore } from './modules/roster/store.ts'
import { subscriptionValue } from './modules/roster/subscription.ts'

export interface OwnDataOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly relay: Pick<Relay, 'devices' | 'queues'>
  readonly devices: DeviceStore
  readonly fast: FastTokenStore
  readonly groups: { readonly store: GroupStore }
  readonly push: Pick<PushRegistry, 'ofAccount'>
  readonly rosters: RosterStore
  readonly blocked: BlockStore
  readonly pep: PepStore
  readonly xml: XmlStore
  readonly uploads: Pick<Uploads, 'ofAccount'>
  readonly contactInvites: ContactInviteStore
  readonly clock: Pick<Clock, 'now'>
}

export function relayOwnData(options: OwnDataOptions): OwnData<RelayOwnData> {
  return {
    async ownData(accountId) {
      const { relay, rosters, blocked, groups, pep, xml, uploads, contactInvites, clock } = options
      const { items } = await rosters.load(accountId)
      const nodes = await pep.nodes(accountId)
      return {
        devices: await devicesOf(options, accountId),
        queues: await relay.queues(accountId),
        contacts: [...items.values()].map(showContact),
        blocked: (await blocked.load(accountId)).map(String).toSorted(),
        groups: (await groups.store.membershipsOf(accountId)).map(showGroup),
        nodes: await Promise.all(nodes.map((node) => nodeWithItems(pep, accountId, node))),
        subscriptions: await subscriptionsOf(options, accountId),
        elements: await xml.all(accountId),
        files: uploads.ofAccount(accountId).map(showFile),
        contactInvites: (await contactInvites.ofAccount(accountId, clock.now())).map((expiresAt) => ({
          expiresAt,
        })),
      }
    },
  }
}

async function devicesOf(
  { relay, devices, fast, push }: OwnDataOptions,
  accountId: string,
): Promise<OwnDevice[]> {
  const stored = new Map((await devices.ofAccount(accountId)).map((device) => [device.id, device]))
  const known = await relay.devices(accountId)
  const pushes = await push.ofAccount(accountId)
  return await Promise.all(
    known.map(async (device): Promise<OwnDevice> => {
      const { identity, carbons = false } = stored.get(device.id) ?? {}
      const tokens =
        identity === undefined
          ? []
          : await fast.ofDevice({ accountId, identity: Buffer.from(identity, 'hex') })
      return {
        ...device,
        carbons,
        tokens: tokens.map(({ mechanism, expiresOn }) => ({ mechanism, expiresOn })),
        pushes: pushes
          .filter(({ deviceId }) => deviceId === device.id)
          .map(({ service, node }) => ({ service, node })),
      }
    }),
  )
}

async function subscriptionsOf(
  { accounts, pep }: OwnDataOptions,
  accountId: string,
): Promise<RelayOwnData['subscriptions']> {
  const subscriptions = await pep.subscriptionsOf(accountId)
  const found = await Promise.all(
    subscriptions.map(async (each) => ({ node: each.node, owner: await accounts.findById(each.accountId) })),
  )
  return found.flatMap(({ owner, node }) => (owner ? [{ jid: owner.jid.toString(), node }] : []))
}

function showFile({ bytes, acceptedAt, due, fetchesLeft }: Upload): OwnFile {
  return { bytes, uploadedAt: acceptedAt * 1000, expiresAt: due * 1000, fetchesLeft }
}

function showContact(item: RosterItem): OwnContact {
  const { contact, name, groups, ask, approved, pendingIn, listed } = item
  const subscription = subscriptionValue(item)
  return { jid: contact.toString(), name, groups, subscription, ask, approved, pendingIn, listed }
}

function showGroup({ room, name, affiliation, nick, entered }: Membership): OwnGroup {
  return { jid: room.toString(), name, affiliation, nick, entered }
}

async function nodeWithItems(pep: PepStore, accountId: string, { node, config }: PepNode): Promise<OwnNode> {
  // Zero items are never the most, so that the form says how many they are.
  const fields = configForm(config, 0).childrenNamed('field')
  const options = fields.map((field) => [field.attrs['var'] ?? '', field.child('value')?.text() ?? ''])
  return {
    node,
    config: Object.fromEntries(options.filter(([name]) => name !== 'FORM_TYPE')) as Record<string, string>,
    items: await pep.items(accountId, node, { max: config.maxItems }),
    subscribers: (await pep.subscribers(accountId, node)).map(({ jid }) => jid.toString()),
  }
}
