/** The key directory for tests: a service on free ports, its common routes on a server of their own, and the mails it sends in a sink. */
import { createHttp } from '@sealpost/http'
import type { Mail } from '@sealpost/ports'
import { readArmor, readStored, summarize, writeArmor } from '@sealpost/openpgp'
import type { CertificateSummary } from '@sealpost/openpgp'
import { MailError } from '@sealpost/ports'
import { directMail } from '../../smtp/test/direct-mail.ts'
import { MailSink } from '../../smtp/test/mail-sink.ts'
import { createTestPlatform } from '../../../test/platform.ts'
import type { TestPlatform } from '../../../test/platform.ts'
import { createKeysService } from '../src/service.ts'
import type { Platform } from '@sealpost/service'
import type { NoteKey } from '@sealpost/tlog'
import type { KeysService } from '../src/service.ts'

export const ORIGIN = 'https://localhost:8443'

const nowhere: Mail = { send: () => Promise.reject(new MailError('MAIL_NO_WAY_OUT')) }

interface KeysOptions {
  readonly mail?: Mail
  readonly witnesses?: readonly NoteKey[]
}

/** One without mail and witnesses unless told. */
export function startKeys(
  platform: Platform,
  { mail = nowhere, witnesses = [] }: KeysOptions = {},
): Promise<KeysService> {
  const config = { hkpPort: 0, publicOrigin: () => ORIGIN, mailUrl: undefined, witnesses }
  return createKeysService(config, platform, { mail })
}

export interface ServedKeys extends AsyncDisposable {
  readonly service: KeysService
  /** Of the common routes. */
  readonly http: string
  /** Of HKP. */
  readonly hkp: string
}

/** The same with its common routes on a socket. */
export async function serveKeys(
  platform: Platform,
  options: KeysOptions = {},
  requestsPerMinute?: number,
): Promise<ServedKeys> {
  await using stack = new AsyncDisposableStack()
  const { log, metrics, bind } = platform
  const service = stack.use(await startKeys(platform, options))
  const limits = requestsPerMinute === undefined ? {} : { requestsPerMinute }
  const server = stack.use(await createHttp({ log, metrics, title: 'Test', trustProxy: true, ...limits }))
  await server.app.register(service.http)
  const { port } = await server.listen({ host: bind, port: 0 })
  const held = stack.move()
  return {
    service,
    http: `http://127.0.0.1:${String(port)}`,
    hkp: service.addresses[0]?.url.replace('hkp://localhost', 'http://127.0.0.1') ?? '',
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

export interface TestKeys extends ServedKeys {
  readonly platform: TestPlatform
  readonly sink: MailSink
}

export async function createTestKeys(overrides: Partial<TestPlatform> = {}): Promise<TestKeys> {
  await using stack = new AsyncDisposableStack()
  const made = stack.use(await createTestPlatform())
  const platform: TestPlatform = { ...made, ...overrides }
  const sink = stack.use(await MailSink.open())
  const mail = stack.use(directMail(sink.smarthost))
  const served = stack.use(await serveKeys(platform, { mail }, 100_000))
  const held = stack.move()
  return { platform, sink, ...served, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

export const armor = (data: Buffer): string => writeArmor('PUBLIC KEY BLOCK', data, { checksum: true })

/** What an armored answer says. */
export function summaryOf(text: string): CertificateSummary {
  const [block] = readArmor(text)
  return summarize(readStored(block?.data ?? Buffer.alloc(0)), Math.floor(Date.now() / 1000))
}

/** Path of the link in a mail's text. */
export function linkIn(text: string): string {
  return new RegExp(`${ORIGIN}(/keys/\\S+/[\\w-]{43})`).exec(text)?.[1] ?? ''
}
