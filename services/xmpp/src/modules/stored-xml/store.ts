/**
 * Elements that clients store for themselves: private XML (XEP-0049), and the vCard (XEP-0054) without its photo. Retention: until replaced, and everything goes when the
 * account is erased. Two implementations, one contract: `store.test.ts`.
 */

export interface XmlName {
  readonly ns: string
  readonly name: string
}

export interface StoredXml extends XmlName {
  /** One element that declares its own namespace. */
  readonly xml: string
}

export interface XmlStore {
  get(accountId: string, name: XmlName): Promise<string | undefined>
  /** Replaces what had the same names. False, and nothing is changed, when the account would have more than `bytesMax` in all (by `xmlCost`). One at a time of an account. */
  put(accountId: string, stored: readonly StoredXml[], bytesMax: number): Promise<boolean>
  /** By namespace and name. */
  all(accountId: string): Promise<StoredXml[]>
  erase(accountId: string): Promise<void>
}

/** What a row takes beside its texts. */
export const ROW_BYTES = 128

/** Bytes that an element counts against its account's quota. */
export function xmlCost({ ns, name, xml }: StoredXml): number {
  return Buffer.byteLength(ns) + Buffer.byteLength(name) + Buffer.byteLength(xml) + ROW_BYTES
}
