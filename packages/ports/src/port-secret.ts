/** The secret by which the processes of one deployment know each other: a file in the data directory, made by whoever comes first. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import { openSecretFile } from '@sealpost/runtime'
import type { Random } from '@sealpost/runtime'
import { PortError } from './port-error.ts'

/** Its name in the data directory. Processes on different machines need the same file each. */
export const PORT_SECRET_FILE = 'ports.key'

const SECRET_BYTES = 32
const SECRET = /^[\w-]{43,255}$/

export interface PortSecret {
  /** The value of an Authorization header. */
  readonly authorization: string
  /** Whether a request's Authorization header shows the secret; takes the same time whatever it is. */
  isShownBy(authorization: string | undefined): boolean
}

/** Reads the secret, or makes it. Throws PORT_SECRET_UNUSABLE when it is too short, or when its file is open to other users. */
export async function openPortSecret(dataDir: string, random: Pick<Random, 'token'>): Promise<PortSecret> {
  const secret = await readOrMake(join(dataDir, PORT_SECRET_FILE), random)
  if (!SECRET.test(secret)) throw new PortError('PORT_SECRET_UNUSABLE')
  const authorization = `Bearer ${secret}`
  const expected = digest(authorization)
  return {
    authorization,
    isShownBy: (shown) => timingSafeEqual(digest(shown ?? ''), expected),
  }
}

async function readOrMake(path: string, random: Pick<Random, 'token'>): Promise<string> {
  try {
    return await openSecretFile(path, random, () => random.token(SECRET_BYTES))
  } catch (cause) {
    if (cause instanceof OperationalError) throw new PortError('PORT_SECRET_UNUSABLE', { cause })
    throw cause
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
