/**
 * XEP-0363 HTTP File Upload: slots. The files are in uploads.ts, HTTP is in transports/upload-routes.ts. Files are for messages (§5.1) and may be ephemeral (§5.3);
 * there is nothing here for files that must stay. With `<fetches/>` (docs) an uploader says after how many whole fetches the file is deleted.
 */
import {
  type Element,
  element,
  NS_DATA,
  NS_DISCO_ITEMS,
  NS_FETCHES,
  NS_HTTP_UPLOAD,
  NS_UPLOAD_PURPOSE,
  StanzaError,
} from '@sealpost/stanza'
import { defineModule, type Module, type ModuleHost, type Session } from '../../core/module.ts'
import type { XmppEvents } from '../../events.ts'
import type { DomainPolicies } from '../../policy/domain-policies.ts'
import { readSlotRequest } from './slot-request.ts'
import { UploadError } from './upload-error.ts'
import type { Granting, UploadLimits, Uploads } from './uploads.ts'

/** Where slots lead; HTTP takes them up. */
export const UPLOAD_PATH = '/upload'
const NAME = 'HTTP File Upload'

export interface UploadOptions {
  /** Undefined: there is nothing to upload to. */
  readonly uploads?: { readonly desk: Uploads; readonly limits: UploadLimits }
  readonly contacts: { readonly publicOrigin: () => string }
  readonly policies: Pick<DomainPolicies, 'of'>
  readonly events: Pick<XmppEvents, 'uploadHappened'>
}

/** XEP-0363 §6 */
const refuse = {
  tooLarge: (bytesMax: number) =>
    new StanzaError(
      'modify',
      'not-acceptable',
      'The file is too large',
      element(
        'file-too-large',
        NS_HTTP_UPLOAD,
        {},
        element('max-file-size', NS_HTTP_UPLOAD, {}, String(bytesMax)),
      ),
    ),
  wait: (untilMs: number) =>
    new StanzaError(
      'wait',
      'resource-constraint',
      'No more can be uploaded at the moment',
      element('retry', NS_HTTP_UPLOAD, { stamp: new Date(untilMs).toISOString().replace(/\.\d+Z$/, 'Z') }),
    ),
  full: () => new StanzaError('wait', 'resource-constraint', 'The server has no room'),
  nothingStored: () => new StanzaError('cancel', 'not-allowed', 'Nothing is stored here'),
} as const

export function upload(options: UploadOptions): Module {
  const { uploads } = options
  return defineModule({
    name: 'upload',
    implements: ['XEP-0363 1.2.0'],
    depends: ['disco'],
    setup(host) {
      if (uploads === undefined) return
      announce(host, uploads.limits)
      host.onIq('get', { to: ['host'], namespace: NS_HTTP_UPLOAD, name: 'request' }, ({ session, query }) =>
        grant(host, { ...options, desk: uploads.desk }, session, query),
      )
      host.hook('account/erase', async ({ accountId }) => {
        await uploads.desk.erase(accountId)
        return undefined
      })
    },
  })
}

/** XEP-0363 §3. COMPAT: some clients look for the service among the items of the server only, so the server is one of its own. */
function announce(host: ModuleHost, { fileBytes }: UploadLimits): void {
  host.feature(NS_HTTP_UPLOAD)
  for (const purpose of ['message', 'ephemeral']) host.feature(`${NS_UPLOAD_PURPOSE}#${purpose}`) // XEP-0363 §5
  host.feature(NS_FETCHES)
  const form = element(
    'x',
    NS_DATA,
    { type: 'result' },
    field('FORM_TYPE', { type: 'hidden' }, NS_HTTP_UPLOAD),
    field('max-file-size', {}, String(fileBytes)),
  )
  host.need('disco').addHostForm(() => form)
  host.hook('disco/host-items', ({ session, node, found }) => {
    if (node === undefined)
      found.push(element('item', NS_DISCO_ITEMS, { jid: session.jid.domain, name: NAME }))
    return undefined
  })
}

function field(name: string, attrs: Readonly<Record<string, string>>, value: string): Element {
  return element('field', NS_DATA, { var: name, ...attrs }, element('value', NS_DATA, {}, value))
}

type Desk = Omit<UploadOptions, 'uploads'> & { readonly desk: Uploads }

async function grant(
  host: ModuleHost,
  { desk, contacts, policies, events }: Desk,
  session: Session,
  request: Element,
): Promise<Element> {
  const { filename, ...wish } = readSlotRequest(request, host.clock.now())
  if (policies.of(session.jid.domain).storage === 'none') throw refuse.nothingStored()
  const granting = await ask(desk.grant(session.account.id, wish))
  events.uploadHappened(granting.outcome === 'granted' ? 'granted' : 'refused')
  if (granting.outcome === 'too-large') throw refuse.tooLarge(granting.bytesMax)
  if (granting.outcome === 'wait') throw refuse.wait(granting.untilMs)
  const { address, ownerToken } = granting
  const url = `${contacts.publicOrigin()}${UPLOAD_PATH}/${address}/${encodeURIComponent(filename)}`
  const header = element('header', NS_HTTP_UPLOAD, { name: 'Authorization' }, `Bearer ${ownerToken}`)
  return element(
    'slot',
    NS_HTTP_UPLOAD,
    {},
    element('put', NS_HTTP_UPLOAD, { url }, header),
    element('get', NS_HTTP_UPLOAD, { url }),
  )
}

async function ask(granting: Promise<Granting>): Promise<Granting> {
  try {
    return await granting
  } catch (error) {
    throw error instanceof UploadError ? refuse.full() : error
  }
}
