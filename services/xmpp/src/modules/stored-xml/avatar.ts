/** Avatars as they are published (XEP-0084) and as vCards have them (XEP-0153): which node, which item, and the way from one to the other (XEP-0398 §3). */
import { createHash } from 'node:crypto'
import {
  type Element,
  element,
  NS_AVATAR_DATA,
  NS_AVATAR_METADATA,
  NS_VCARD,
  StanzaError,
} from '@sealpost/stanza'

/** Of an image, before Base64: what one item of personal eventing holds. */
const IMAGE_BYTES_MAX = 48 * 1024
const IMAGE_TYPE = /^image\/[a-z0-9.+-]{1,32}$/
const SHA1 = /^[0-9a-f]{40}$/

/** One image: its bytes in Base64, without line breaks. */
export interface Avatar {
  readonly base64: string
  readonly type: string
}

export const hashOf = ({ base64 }: Avatar): string =>
  createHash('sha1').update(Buffer.from(base64, 'base64')).digest('hex')

/** XEP-0054 §3: the photo of a vCard that a client sets; undefined when there is none. Throws StanzaError when it is none that can be shown. */
export function readPhoto(vCard: Element): Avatar | undefined {
  const [photo, ...others] = vCard.childrenNamed('PHOTO')
  if (photo === undefined || photo.elements().length === 0) return undefined
  const base64 = (photo.child('BINVAL')?.text() ?? '').replaceAll(/\s/g, '')
  const type = (photo.child('TYPE')?.text() ?? 'image/png').trim().toLowerCase()
  const image = Buffer.from(base64, 'base64')
  const isValid = image.length > 0 && image.toString('base64') === base64 && IMAGE_TYPE.test(type)
  if (!isValid || others.length > 0) throw new StanzaError('modify', 'not-acceptable', 'Not a photo')
  if (image.length > IMAGE_BYTES_MAX)
    throw new StanzaError('modify', 'not-acceptable', 'The photo is too big')
  return { base64, type }
}

export function photoElement({ base64, type }: Avatar): Element {
  return element(
    'PHOTO',
    NS_VCARD,
    {},
    element('TYPE', NS_VCARD, {}, type),
    element('BINVAL', NS_VCARD, {}, base64),
  )
}

/** XEP-0084 §4.1 */
export function dataElement({ base64 }: Avatar): Element {
  return element('data', NS_AVATAR_DATA, {}, base64)
}

/** XEP-0084 §4.2; without an image it says that there is none. */
export function metadataElement(avatar: Avatar | undefined): Element {
  if (avatar === undefined) return element('metadata', NS_AVATAR_METADATA)
  const bytes = String(Buffer.byteLength(avatar.base64, 'base64'))
  const info = element('info', NS_AVATAR_METADATA, { id: hashOf(avatar), bytes, type: avatar.type })
  return element('metadata', NS_AVATAR_METADATA, {}, info)
}

/** XEP-0398 §3.1: of what a client published, the image that is kept here, by its hash; undefined when there is none. */
export function readMetadata(metadata: Element): { readonly id: string; readonly type: string } | undefined {
  const info = metadata.childrenNamed('info').find(({ attrs }) => attrs['url'] === undefined)
  const { id = '', type = '' } = info?.attrs ?? {}
  return SHA1.test(id) && IMAGE_TYPE.test(type) ? { id, type } : undefined
}

/** What is kept under the hash `id`, if it is the image of that hash (XEP-0398 §3.1). */
export function readData(data: Element, { id, type }: { id: string; type: string }): Avatar | undefined {
  const avatar = { base64: data.text().replaceAll(/\s/g, ''), type }
  return hashOf(avatar) === id ? avatar : undefined
}
