/**
 * RFC 9580 §10.1: from a sequence of packets to certificates, by position. Nothing is verified here. A packet that is malformed, too large, or of a kind
 * that certificates do not have is left out with its signatures, and counted; everything around it is read as if it were not there.
 */
import { CertificatePacket } from '../packet-sequence.ts'
import type { PacketBytes } from '../packet-sequence.ts'
import { reject } from '../openpgp-error.ts'
import type { Certificate } from './certificate.ts'
import type { Dropped } from './dropped.ts'
import { readKey } from './key.ts'
import type { Key } from './key.ts'
import type { CertificateLimits } from './limits.ts'
import { readSignature } from './signature.ts'
import type { Signature } from './signature.ts'

export interface Grouped {
  readonly certificates: readonly Certificate[]
  /** Signatures before any key: revocations on their own, as `gpg --gen-revoke` writes them. */
  readonly bare: readonly Signature[]
  /** Primary keys that could not be read: of another version, or malformed. */
  readonly unreadable: number
}

/** Signatures behind a component; exact copies are not read again. */
class SignatureList {
  readonly all: Signature[] = []
  readonly #bodies = new Set<string>()

  add(packet: PacketBytes, dropped: Dropped): void {
    const body = nameOf(packet)
    if (this.#bodies.has(body)) return
    this.#bodies.add(body)
    const signature = readSignature(packet)
    if (signature) this.all.push(signature)
    else dropped.malformed += 1
  }
}

interface Component {
  readonly packet: PacketBytes
  readonly signatures: SignatureList
}

/** Components by their bodies, so that one that comes twice is one with the signatures of both. */
class Building {
  readonly primary: Key
  readonly signatures = new SignatureList()
  readonly identities = new Map<string, Component>()
  readonly subkeys = new Map<string, Component & { readonly key: Key }>()

  constructor(primary: Key) {
    this.primary = primary
  }

  finish(): Certificate {
    return {
      primary: this.primary,
      signatures: this.signatures.all,
      identities: [...this.identities.values()].map(({ packet, signatures }) => ({
        packet,
        signatures: signatures.all,
      })),
      subkeys: [...this.subkeys.values()].map(({ key, signatures }) => ({ key, signatures: signatures.all })),
    }
  }
}

/** Said nowhere, hence gone without being counted: RFC 9580 §5.8, §5.10, §5.14. */
const SILENT: ReadonlySet<number> = new Set([
  CertificatePacket.marker,
  CertificatePacket.trust,
  CertificatePacket.padding,
])

class Grouping {
  readonly #limits: CertificateLimits
  readonly #dropped: Dropped
  readonly #building: Building[] = []
  readonly #bare = new SignatureList()
  readonly #byKey = new Map<string, Building>()
  #unreadable = 0
  #certificate: Building | undefined
  /** Where signatures go now; undefined after a packet that was left out. */
  #signatures: SignatureList | undefined = this.#bare

  constructor(limits: CertificateLimits, dropped: Dropped) {
    this.#limits = limits
    this.#dropped = dropped
  }

  add(packet: PacketBytes): void {
    const { type } = packet
    if (SILENT.has(type)) return
    if (type === CertificatePacket.signature) this.#addSignature(packet)
    else if (type === CertificatePacket.publicKey) this.#addPrimary(packet)
    else this.#signatures = this.#addComponent(packet)
  }

  finish(): Grouped {
    return {
      certificates: this.#building.map((each) => each.finish()),
      bare: this.#bare.all,
      unreadable: this.#unreadable,
    }
  }

  #addSignature(packet: PacketBytes): void {
    const { signatureBytesMax } = this.#limits
    if (packet.body.length > signatureBytesMax) this.#dropped.tooLarge += 1
    else if (this.#signatures === undefined) this.#dropped.orphaned += 1
    else this.#signatures.add(packet, this.#dropped)
  }

  #addPrimary(packet: PacketBytes): void {
    const name = nameOf(packet)
    const known = this.#byKey.get(name)
    this.#certificate = known ?? this.#open(packet, name)
    this.#signatures = this.#certificate?.signatures
    if (this.#certificate === undefined) this.#unreadable += 1
  }

  #open(packet: PacketBytes, name: string): Building | undefined {
    const key = this.#read(packet)
    if (key === undefined) return undefined
    if (this.#building.length === this.#limits.certificatesMax) throw reject.tooManyPackets()
    const building = new Building(key)
    this.#byKey.set(name, building)
    this.#building.push(building)
    return building
  }

  #read(packet: PacketBytes): Key | undefined {
    if (packet.body.length > this.#limits.packetBytesMax) {
      this.#dropped.tooLarge += 1
      return undefined
    }
    const key = readKey(packet)
    if (key === undefined) this.#dropped.malformed += 1
    return key
  }

  #addComponent(packet: PacketBytes): SignatureList | undefined {
    const { type, body } = packet
    const certificate = this.#certificate
    if (certificate === undefined) {
      this.#dropped.orphaned += 1
      return undefined
    }
    if (type === CertificatePacket.publicSubkey) return this.#addSubkey(certificate, packet)
    if (type !== CertificatePacket.userId && type !== CertificatePacket.userAttribute) {
      this.#dropped.unknown += 1
      return undefined
    }
    const { userIdBytesMax, packetBytesMax } = this.#limits
    if (body.length > (type === CertificatePacket.userId ? userIdBytesMax : packetBytesMax)) {
      this.#dropped.tooLarge += 1
      return undefined
    }
    const name = `${String(type)} ${nameOf(packet)}`
    const component = certificate.identities.get(name) ?? { packet, signatures: new SignatureList() }
    certificate.identities.set(name, component)
    return component.signatures
  }

  #addSubkey({ subkeys }: Building, packet: PacketBytes): SignatureList | undefined {
    const name = nameOf(packet)
    const known = subkeys.get(name)
    if (known) return known.signatures
    const key = this.#read(packet)
    if (key === undefined) return undefined
    const signatures = new SignatureList()
    subkeys.set(name, { packet, key, signatures })
    return signatures
  }
}

function nameOf({ body }: PacketBytes): string {
  return body.toString('latin1')
}

/** Certificates in the order of their first appearance; parts of one that stand apart are put together. */
export function groupPackets(
  packets: readonly PacketBytes[],
  limits: CertificateLimits,
  dropped: Dropped,
): Grouped {
  const grouping = new Grouping(limits, dropped)
  for (const packet of packets) grouping.add(packet)
  return grouping.finish()
}
