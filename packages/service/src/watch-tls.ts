import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFileSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { createSecureContext } from 'node:tls'
import { OperationalError, errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Clock } from '@sealpost/runtime'

/** A certificate chain and its key in PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/** The pair in force. */
export interface TlsSource {
  current(): TlsPair
  /** Runs after `current()` has changed. */
  onChange(listener: () => void): Disposable
}

/** Catches what a file system without notifications hides. */
const POLL_MS = 60_000
/** Certificate and key are two files: their changes are taken together. */
const SETTLE_MS = 300

/**
 * Reads the pair and follows its files. A pair that cannot be read, does not match or has expired leaves the old one in force and is
 * told once (`tls_reload_refused`); one in force that has expired is told once, too (`tls_expired`). Throws OperationalError `TLS_…` if there
 * is no usable pair to begin with.
 */
export function watchTls(
  certFile: string,
  keyFile: string,
  { log, clock }: { log: Log; clock: Clock },
): TlsSource & Disposable {
  const stack = new DisposableStack()
  const listeners = new Set<() => void>()
  const files = { certFile, keyFile }
  let pair = checked(read(files), files)
  let refused = ''
  let expired = ''

  const tellIfExpired = (): void => {
    if (!isExpired(pair, clock) || expired === pair.cert) return
    expired = pair.cert
    log.error('tls_expired')
  }

  const reload = (): void => {
    try {
      const next = read(files)
      const changed = next.cert !== pair.cert || next.key !== pair.key
      if (changed) pair = unexpired(checked(next, files), clock)
      refused = ''
      tellIfExpired()
      if (!changed) return
      log.info('tls_reloaded')
      for (const listener of listeners) listener()
    } catch (error) {
      if (refused === errorCode(error)) return
      refused = errorCode(error)
      log.error('tls_reload_refused', { code: refused })
    }
  }

  let settling: Disposable | undefined
  stack.defer(() => settling?.[Symbol.dispose]())
  for (const directory of new Set([dirname(certFile), dirname(keyFile)])) {
    const watcher = stack.adopt(watch(directory), (opened) => opened.close())
    watcher.on('change', () => {
      settling?.[Symbol.dispose]()
      settling = clock.after(SETTLE_MS, reload)
    })
    // The directory went away: the poll goes on.
    watcher.on('error', () => watcher.close())
  }
  stack.use(clock.every(POLL_MS, reload))
  tellIfExpired()
  return {
    current: () => pair,
    onChange(listener) {
      const own = (): void => listener()
      listeners.add(own)
      return { [Symbol.dispose]: () => void listeners.delete(own) }
    },
    [Symbol.dispose]: () => stack.dispose(),
  }
}

interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

function read({ certFile, keyFile }: TlsFiles): TlsPair {
  try {
    return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
  } catch (cause) {
    throw problem('TLS_UNREADABLE', 'cannot be read', { certFile, keyFile }, cause)
  }
}

function checked(pair: TlsPair, files: TlsFiles): TlsPair {
  let matches: boolean
  try {
    matches = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))
    if (matches) createSecureContext(pair)
  } catch (cause) {
    throw problem('TLS_MALFORMED', 'are not usable PEM', files, cause)
  }
  if (!matches) throw problem('TLS_MISMATCH', 'do not belong together', files)
  return pair
}

function problem(
  code: string,
  what: string,
  { certFile, keyFile }: TlsFiles,
  cause?: unknown,
): OperationalError {
  const text = `The TLS certificate ${certFile} and its key ${keyFile} ${what}: set TLS_CERT and TLS_KEY`
  return new OperationalError(code, text, { cause })
}

function unexpired(pair: TlsPair, clock: Clock): TlsPair {
  if (isExpired(pair, clock)) throw new OperationalError('TLS_EXPIRED', 'The TLS certificate has expired')
  return pair
}

function isExpired({ cert }: TlsPair, clock: Clock): boolean {
  return new X509Certificate(cert).validToDate.getTime() <= clock.now()
}
