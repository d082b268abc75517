/** What another server knew of an account that is imported: each module takes what is its own (XEP-0227 §4). */
import type { Accounts } from '@sealpost/accounts'
import type { Hooks as HookBus } from '@sealpost/hooks'
import { type ChatImport, IMPORTED_LIMITS, type ImportedChat } from '@sealpost/ports'
import { type Element, readElement, StreamError } from '@sealpost/stanza'
import type { AccountDirectory } from './core/account-directory.ts'
import type { Hooks } from './core/module.ts'

export interface ChatImportOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly directory: Pick<AccountDirectory, 'read'>
  readonly hooks: HookBus<Hooks>
}

export function chatImport({ accounts, directory, hooks }: ChatImportOptions): ChatImport {
  return {
    async importChat(accountId, parts) {
      const account = await accounts.findById(accountId)
      const owner = account?.state === 'active' ? await directory.read(account.jid) : undefined
      if (owner?.id !== accountId) return undefined
      const read = parts.map(readPart)
      const taken = { contacts: 0, items: 0, elements: 0, refused: read.filter((part) => !part).length }
      await hooks.fire('account/import', { owner, parts: read.filter((part) => part !== undefined), taken })
      return taken satisfies ImportedChat
    },
  }
}

function readPart(xml: string): Element | undefined {
  try {
    return readElement(xml, { defaultNs: '', prefixes: new Map() }, IMPORTED_LIMITS)
  } catch (error) {
    if (error instanceof StreamError) return undefined
    throw error
  }
}
