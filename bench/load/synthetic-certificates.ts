/** The made-up certificates of the benchmark `lookup`: number i has the same fingerprint, hash and bytes in the database, in a file and in a request. */
import { createHash } from 'node:crypto'
import { writeZBase32 } from '../../services/keys/src/directory/z-base-32.ts'

export const DOMAIN = 'bench.example'
/** A digest of its own, and a part of what all share: made quickly, and nothing in it could be compressed. */
export const CERTIFICATE_BYTES = 2_048
const DIGEST_BYTES = 64
const SHARED_BYTES = 64 * 1024
/** Prime to the number of places, so that neighbours have different parts. */
const STEP = 31
const PLACES = SHARED_BYTES - CERTIFICATE_BYTES

function digest(algorithm: string, text: string): Buffer {
  return createHash(algorithm).update(text).digest()
}

export const SHARED = Buffer.concat(
  Array.from({ length: SHARED_BYTES / DIGEST_BYTES }, (_, piece) =>
    digest('sha512', `shared ${String(piece)}`),
  ),
)

export function bytesOf(index: number): Buffer {
  const start = (index * STEP) % PLACES
  const part = SHARED.subarray(start, start + CERTIFICATE_BYTES - DIGEST_BYTES)
  return Buffer.concat([digest('sha512', String(index)), part])
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

/** Before the first of many: what is written twice, to the log of Postgres too, takes twice the time and the room. A clean stop keeps it all. */
export const UNLOGGED: readonly string[] = ['link', 'component', 'published_address', 'certificate'].map(
  (table) => `alter table keys.${table} set unlogged`,
)

/** Certificates $1 to $2, each with a primary key and two subkeys, and a published address; $3 is `SHARED`. */
export const INSERTS: readonly string[] = [
  `insert into keys.certificate (fingerprint, kept, served, listing, revision)
   select substring(sha256(convert_to('k' || i, 'UTF8')) for 20), b, b,
     jsonb_build_object('filler', (select jsonb_agg(md5(i || ' ' || j)) from generate_series(1, 20) j)), 1
   from generate_series($1::int, $2::int) i
   cross join lateral (select sha512(convert_to(i::text, 'UTF8')) ||
     substring($3::bytea from (i::bigint * ${String(STEP)} % ${String(PLACES)})::int + 1 for ${String(CERTIFICATE_BYTES - DIGEST_BYTES)}) as b) made`,
  `insert into keys.component (certificate, fingerprint, key_id, rank)
   select substring(sha256(convert_to('k' || i, 'UTF8')) for 20), f, substring(f from 13), r
   from generate_series($1::int, $2::int) i cross join generate_series(0, 2) r
   cross join lateral (select substring(sha256(convert_to(case r when 0 then 'k' else 's' || r || ' ' end || i, 'UTF8')) for 20) as f) made`,
  `insert into keys.published_address (address, certificate, domain, wkd_hash, served)
   select 'user' || i || '@${DOMAIN}', c.fingerprint, '${DOMAIN}', substring(sha256(convert_to('w' || i, 'UTF8')) for 20), c.served
   from generate_series($1::int, $2::int) i
   join keys.certificate c on c.fingerprint = substring(sha256(convert_to('k' || i, 'UTF8')) for 20)`,
]
