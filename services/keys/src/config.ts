/** Configuration of the key directory. */
import type { EnvReader } from '@sealpost/config'
import { readPublicOrigin, readServiceUrl, readSupportUrl } from '@sealpost/service'
import { parseVerifierKey, SIGNATURE_TYPE } from '@sealpost/tlog'
import type { NoteKey } from '@sealpost/tlog'

const WITNESSES_MAX = 16

export interface KeysConfig {
  /** Port of HKP, plain HTTP by custom; 0 takes a free one. */
  readonly hkpPort: number
  /** Origin of the links in mails, `https://HOST:PORT`. A function, since a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  /** Origin of the mail relay's HTTP listener when it runs in another process; undefined: it does not, or nobody said where. */
  readonly mailUrl: URL | undefined
  /** The same of the API, which keeps the sessions on the pages of accounts. */
  readonly apiUrl?: URL | undefined
  /** Where users get help, if the operator says so. */
  readonly supportUrl?: string | undefined
  /** Whose cosignatures on the transparency log are taken (C2SP tlog-cosignature); none unless given. */
  readonly witnesses?: readonly NoteKey[]
}

export function readConfig(env: EnvReader): KeysConfig {
  const origin = readPublicOrigin(env)
  return {
    hkpPort: env.port('HKP_PORT', 11_371),
    publicOrigin: () => origin,
    mailUrl: readServiceUrl('MAIL_URL', env),
    apiUrl: readServiceUrl('API_URL', env),
    supportUrl: readSupportUrl(env),
    witnesses: readWitnesses(env),
  }
}

function readWitnesses(env: EnvReader): NoteKey[] {
  const vkeys = env.list('TLOG_WITNESSES', [])
  if (vkeys.length > WITNESSES_MAX)
    env.problem(`TLOG_WITNESSES must list ${String(WITNESSES_MAX)} keys at most`)
  return vkeys.flatMap((vkey) => {
    const key = readWitness(vkey)
    if (key === undefined)
      env.problem('TLOG_WITNESSES must list verifier keys of Ed25519 cosignatures: NAME+ID+KEY')
    return key ?? []
  })
}

function readWitness(vkey: string): NoteKey | undefined {
  try {
    const key = parseVerifierKey(vkey)
    return key.type === SIGNATURE_TYPE.cosignature ? key : undefined
  } catch {
    return undefined
  }
}
