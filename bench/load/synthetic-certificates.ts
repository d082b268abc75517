/** The made-up certificates of the benchmark `lookup`: number i has the same fingerprint, hash and bytes in the database, in a file and in a request. */
import { createHash } from 'node:crypto'
import { writeZBase32 } from '../../services/keys/src/directory/z-base-32.ts'

export const DOMAIN = 'bench.example'
/** SHA-512 of 32 texts: nothing that could be compressed. */
export const CERTIFICATE_BYTES = 2_048
const PIECE_BYTES = 64

function digest(algorithm: string, text: string): Buffer {
  return createHash(algorithm).update(text).digest()
}

export function bytesOf(index: number): Buffer {
  const pieces = Array.from({ length: CERTIFICATE_BYTES / PIECE_BYTES }, (_, piece) =>
    digest('sha512', `${String(index)} ${String(piece)}`),
  )
  return Buffer.concat(pieces)
}

export type LookupKind = 'fingerprint' | 'address'

/** Where certificate `index` is asked for. */
export function pathOf(kind: LookupKind, index: number): string {
  if (kind === 'fingerprint') {
    const fingerprint = digest('sha256', `k${String(index)}`)
      .subarray(0, 20)
      .toString('hex')
    return `/pks/v2/certs/by-vfingerprint/04/${fingerprint}`
  }
  const hash = digest('sha256', `w${String(index)}`).subarray(0, 20)
  return `/.well-known/openpgpkey/${DOMAIN}/hu/${writeZBase32(hash)}`
}

/** Certificates `from` to `to`, each with a primary key and two subkeys, and a published address. */
export const INSERTS: readonly string[] = [
  `insert into keys.certificate (fingerprint, kept, served, listing, revision)
   select substring(sha256(convert_to('k' || i, 'UTF8')) for 20), b, b,
     jsonb_build_object('filler', (select jsonb_agg(md5(i || ' ' || j)) from generate_series(1, 20) j)), 1
   from generate_series($1::int, $2::int) i
   cross join lateral (select string_agg(sha512(convert_to(i || ' ' || j, 'UTF8')), '' order by j) as b
     from generate_series(0, ${String(CERTIFICATE_BYTES / PIECE_BYTES - 1)}) j) made`,
  `insert into keys.component (certificate, fingerprint, key_id, rank)
   select substring(sha256(convert_to('k' || i, 'UTF8')) for 20), f, substring(f from 13), r
   from generate_series($1::int, $2::int) i cross join generate_series(0, 2) r
   cross join lateral (select substring(sha256(convert_to(case r when 0 then 'k' else 's' || r || ' ' end || i, 'UTF8')) for 20) as f) made`,
  `insert into keys.published_address (address, certificate, domain, wkd_hash, served)
   select 'user' || i || '@${DOMAIN}', c.fingerprint, '${DOMAIN}', substring(sha256(convert_to('w' || i, 'UTF8')) for 20), c.served
   from generate_series($1::int, $2::int) i
   join keys.certificate c on c.fingerprint = substring(sha256(convert_to('k' || i, 'UTF8')) for 20)`,
]
