/** What other servers leave behind, as documents of XEP-0227 for the server to read, with form feeds between them. No link is followed, and no file names another. */
import { createReadStream } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '@sealpost/errors'
import { attributesToString } from '@sealpost/stanza'
import { RefusedError } from '../client.ts'

export const SOURCES = ['xep-0227', 'chatmail', 'mailcow'] as const
export type SourceName = (typeof SOURCES)[number]

export interface Source {
  /** Where each document is from, in their order. */
  readonly names: readonly string[]
  readonly content: AsyncIterable<Buffer>
  /** What is not sent to the server, and how many there are of it. */
  readonly leftOut: Readonly<Record<string, number>>
}

/** Prosody writes USER@HOST.xml; who splits a document as XEP-0227 §5.1 has it, HOST/USER.xml. */
const DEPTH_MAX = 3
const FILES_MAX = 1_000_000
/** Mailboxes that an API lists. */
const JSON_BYTES_MAX = 64 * 1024 * 1024
const FORM_FEED = Buffer.from('\f')

/** Throws RefusedError. */
export async function openSource(name: SourceName, path: string): Promise<Source> {
  try {
    if (name === 'chatmail') return addressesOnly(await chatmailAddresses(path), path)
    if (name === 'mailcow') return await mailcow(path)
    return await documents(path)
  } catch (error) {
    if (error instanceof RefusedError) throw error
    throw new RefusedError(`The files to import cannot be read: ${errorCode(error)}`)
  }
}

async function documents(path: string): Promise<Source> {
  const isDirectory = (await lstat(path)).isDirectory()
  const files = isDirectory ? (await filesBelow(path, DEPTH_MAX)).map((file) => join(path, file)) : [path]
  if (files.length === 0) throw new RefusedError('There is no file there whose name ends in .xml')
  return { names: files, content: concatenated(files), leftOut: {} }
}

/** Regular files whose names end in `.xml`, by name. */
async function filesBelow(directory: string, depth: number): Promise<string[]> {
  const found: string[] = []
  const entries = await readdir(directory, { withFileTypes: true })
  for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    if (entry.isFile() && entry.name.endsWith('.xml')) found.push(entry.name)
    if (entry.isDirectory() && depth > 1)
      found.push(
        ...(await filesBelow(join(directory, entry.name), depth - 1)).map((file) => join(entry.name, file)),
      )
    if (found.length > FILES_MAX) throw new RefusedError('There are too many files in this directory')
  }
  return found
}

async function* concatenated(files: readonly string[]): AsyncGenerator<Buffer> {
  for (const file of files) {
    yield* createReadStream(file) as AsyncIterable<Buffer>
    yield FORM_FEED
  }
}

/**
 * chatmail (github.com/chatmail/relay, chatmaild): a directory of mailboxes, `…/mail/DOMAIN/USER@DOMAIN`; there is an account where there is a file `password` in it. That holds
 * a hash of crypt(3), of which no SCRAM verifier can be made: it is not looked at.
 */
async function chatmailAddresses(path: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await directoriesIn(path)) {
    if (entry.includes('@')) found.push(...((await hasPassword(join(path, entry))) ? [entry] : []))
    else
      for (const inner of await directoriesIn(join(path, entry)))
        if (inner.includes('@') && (await hasPassword(join(path, entry, inner)))) found.push(inner)
    if (found.length > FILES_MAX) throw new RefusedError('There are too many mailboxes in this directory')
  }
  return found
}

async function directoriesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

async function hasPassword(directory: string): Promise<boolean> {
  try {
    return (await lstat(join(directory, 'password'))).isFile()
  } catch {
    return false
  }
}

/** Mailcow: what `GET /api/v1/get/mailbox/all` answers. Its hashes are not in it; mailboxes that are not active are left out. */
async function mailcow(path: string): Promise<Source> {
  const listed = parseList(await readBounded(path))
  const active = listed.filter(({ active: state }) => String(state) === '1' || state === true)
  const addresses = active.flatMap(({ username }) => (typeof username === 'string' ? [username] : []))
  return {
    ...addressesOnly(addresses, path),
    leftOut: { inactive: listed.length - active.length, unnamed: active.length - addresses.length },
  }
}

interface Listed {
  readonly username?: unknown
  readonly active?: unknown
}

function parseList(text: string): readonly Listed[] {
  try {
    const list = JSON.parse(text) as unknown
    if (Array.isArray(list))
      return list.filter((each) => typeof each === 'object' && each !== null) as Listed[]
  } catch {
    // refused below
  }
  throw new RefusedError('The file is not the list of mailboxes that Mailcow’s API answers with')
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path)
  if ((await file.stat()).size > JSON_BYTES_MAX) throw new RefusedError('The file is too large')
  return file.readFile('utf8')
}

/** One document. */
function addressesOnly(addresses: readonly string[], path: string): Source {
  return { names: [path], content: usersOf(addresses), leftOut: {} }
}

async function* usersOf(addresses: readonly string[]): AsyncGenerator<Buffer> {
  yield Buffer.from("<server-data xmlns='urn:xmpp:pie:0'>")
  for (const address of addresses) {
    const at = address.lastIndexOf('@')
    const [name, jid] = [address.slice(0, Math.max(at, 0)), address.slice(at + 1)]
    yield Buffer.from(`<host${attributesToString({ jid })}><user${attributesToString({ name })}/></host>`)
  }
  yield Buffer.from('</server-data>')
  await Promise.resolve()
}
