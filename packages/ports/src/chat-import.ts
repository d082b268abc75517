/** What the API gives the relay of an account that comes from another server. */

/** How many of each were taken. */
export interface ImportedChat {
  readonly contacts: number
  /** Of personal eventing. */
  readonly items: number
  /** Private XML and the vCard. */
  readonly elements: number
  /** Not taken: no such thing, or beyond the bounds that hold for clients as well. */
  readonly refused: number
}

/** Bounds of one account: parts, and bytes of all together. */
export const IMPORTED_PARTS_MAX = 1_000
export const IMPORTED_BYTES_MAX = 16 * 1024 * 1024

/** Of the XML of one part, for its reader. */
export const IMPORTED_LIMITS = {
  depthMax: 64,
  attributesMax: 64,
  elementsMax: 200_000,
  prefixesMax: 128,
} as const

export interface ChatImport {
  /**
   * Adds contacts, unanswered requests, nodes, private XML and vCard as another server knew them: children of a `user` (XEP-0227 §4.3 to §4.9), each one XML element that
   * declares its namespace. What is here already stays as it is, so that it may be repeated. For accounts that nobody can sign in to yet: nobody hears of it. Undefined:
   * there is no such active account. Rejects with PortError when the relay is in another process and away.
   */
  importChat(accountId: string, parts: readonly string[]): Promise<ImportedChat | undefined>
}
