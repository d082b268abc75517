/** What a client does to upload: asks for a slot, puts the file there. */
import { randomBytes } from 'node:crypto'
import type { Element } from '@sealpost/stanza'
import type { TestClient } from './client.ts'

export const UPLOAD = 'urn:xmpp:http:upload:0'

export interface SlotAsk {
  readonly filename?: string
  readonly size?: number | string
  readonly type?: string
  /** Children of the request. */
  readonly inner?: string
}

export interface Slot {
  /** As the server wrote it. */
  readonly url: string
  /** The same, where the test finds it. */
  readonly at: string
  readonly authorization: string
}

export function slotRequest({ filename = 'a.bin', size = 10, type, inner = '' }: SlotAsk): string {
  const contentType = type === undefined ? '' : ` content-type='${type}'`
  return `<request xmlns='${UPLOAD}' filename='${filename}' size='${size}'${contentType}>${inner}</request>`
}

/** What the server answers: a result or an error. */
export function askForSlot(client: TestClient, ask: SlotAsk = {}): Promise<Element> {
  return client.request('get', slotRequest(ask), 'localhost')
}

export async function getSlot(client: TestClient, origin: string, ask: SlotAsk = {}): Promise<Slot> {
  const answer = await askForSlot(client, ask)
  const slot = answer.child('slot', UPLOAD)
  const place = slot?.child('put')
  const url = place?.attrs['url'] ?? ''
  if (url === '' || slot?.child('get')?.attrs['url'] !== url) throw new Error(`no slot: ${String(answer)}`)
  const header = place?.child('header')
  if (header?.attrs['name'] !== 'Authorization') throw new Error('no token')
  return { url, at: url.replace(/^https:\/\/localhost(?::\d+)?/, origin), authorization: header.text() }
}

export function put(
  { at, authorization }: Slot,
  body: Buffer<ArrayBuffer> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(at, { method: 'PUT', body, headers: { authorization, ...headers } })
}

/** A file that is there: its slot and its bytes. */
export async function uploadFile(
  client: TestClient,
  origin: string,
  bytes: number | Buffer<ArrayBuffer>,
  ask: SlotAsk = {},
): Promise<Slot & { readonly bytes: Buffer<ArrayBuffer> }> {
  const content = typeof bytes === 'number' ? Buffer.from(randomBytes(bytes)) : bytes
  const slot = await getSlot(client, origin, { size: content.length, ...ask })
  const answer = await put(slot, content)
  if (answer.status !== 201) throw new Error(`not stored: ${String(answer.status)} ${await answer.text()}`)
  return { ...slot, bytes: content }
}

export async function download(url: string, init: RequestInit = {}): Promise<Buffer> {
  const answer = await fetch(url, init)
  if (!answer.ok) throw new Error(`not there: ${String(answer.status)}`)
  return Buffer.from(await answer.arrayBuffer())
}

export async function statusOf(url: string, init: RequestInit = {}): Promise<number> {
  const answer = await fetch(url, init)
  await answer.arrayBuffer()
  return answer.status
}
