/** What SignatureCheck overrides of mailauth 7.1.0, whose types do not tell of it. The version is pinned; signature-check.test.ts notices a change. */
declare module 'mailauth/lib/dkim/dkim-verifier.js' {
  import type { arc, DKIMResult, DNSResolver } from 'mailauth'

  export interface BodyHasher {
    update(chunk: Buffer): void
    digest(encoding: 'base64'): string
    setContentType(value: unknown): void
    getMimeStructureStart(): undefined
    readonly byteLength: number
    readonly bodyHashedBytes: number
    readonly canonicalizedLength: number
  }

  export class DkimVerifier {
    constructor(options: { resolver: DNSResolver; sender?: string; minBitLength?: number; strict?: boolean })
    readonly bodyHashes: Map<string, BodyHasher>
    readonly headerFrom: string[]
    readonly fromFields: number
    readonly results: DKIMResult[]
    readonly arc: Parameters<typeof arc>[0]
    addBodyHash(canonicalization: string, algorithm: string, bytesMax: number | ''): string
    /** The whole header section. */
    emitHeaders(header: Buffer): Promise<void>
    finish(): Promise<void>
  }
}
