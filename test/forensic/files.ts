/** Files that were uploaded; then some are deleted by their uploader, and some by the last fetch that was asked for. */
import { join } from 'node:path'
import type { TestClient } from '../../services/xmpp/test/client.ts'
import { download, type Slot, statusOf, uploadFile } from '../../services/xmpp/test/upload-client.ts'
import type { Chat } from './chat.ts'
import type { Ledger } from './ledger.ts'

const BYTES = 300_000
const ONCE = `<fetches xmlns='urn:sealpost:fetches:0' max='1'/>`

type Fate = 'deleted' | 'fetched' | 'staying'
const FATES: readonly Fate[] = ['deleted', 'fetched', 'staying', 'staying']

export class Files {
  readonly #chat: Chat
  readonly #ledger: Ledger
  readonly #files: { readonly text: string; readonly slot: Slot; readonly fate: Fate }[] = []

  constructor(chat: Chat, ledger: Ledger) {
    this.#chat = chat
    this.#ledger = ledger
  }

  get directory(): string {
    return join(this.#chat.dataDir, 'uploads')
  }

  /** Those that are still there. */
  get staying(): number {
    return this.#files.filter(({ fate }) => fate === 'staying').length
  }

  async fill(count: number): Promise<void> {
    const writer = await this.#chat.signIn('writer')
    for (let index = 0; index < count; index++)
      await this.#upload(writer, FATES[index % FATES.length] ?? 'staying')
    await writer.close()
  }

  async #upload(writer: TestClient, fate: Fate): Promise<void> {
    const text = this.#ledger.plant()
    const ask = fate === 'fetched' ? { inner: ONCE } : {}
    const bytes = Buffer.from(text.padEnd(BYTES, '.'))
    this.#files.push({ text, fate, slot: await uploadFile(writer, this.#chat.origin, bytes, ask) })
  }

  async destroySome(): Promise<void> {
    for (const { text, slot, fate } of this.#files) {
      if (fate === 'staying') continue
      const headers = { authorization: slot.authorization }
      if (fate === 'fetched') await download(slot.at)
      else if ((await statusOf(slot.at, { method: 'DELETE', headers })) !== 204)
        throw new Error('not deleted')
      this.#ledger.isGone(text)
    }
  }
}
