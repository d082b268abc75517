/** The tree walk of mailauth 7.1.0, whose types do not tell of it. The version is pinned; reports.scenario.ts notices a change. */
declare module 'mailauth/lib/dmarc/get-dmarc-record.js' {
  type Resolver = (name: string, type: string) => Promise<string[][] | string[]>
  /** Opaque: answers of one walk that another can use. */
  interface RecordLookup {
    readonly isRecordLookup: unique symbol
  }

  const module: {
    createRecordLookup(resolver: Resolver): RecordLookup
    /** RFC 9989 §4.10.2. Throws what the resolver throws. */
    getOrgDomain(domain: string, lookup: RecordLookup): Promise<string>
  }
  export default module
}
