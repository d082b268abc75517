/** The API's port for commands of users, from another process. */
import type { AccountCommands } from './account-commands.ts'
import {
  ACCOUNT_COMMANDS_PATHS,
  readForm,
  readKeyedOutcome,
  readOffered,
  readOutcome,
} from './account-commands-wire.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

/** A command may wait for other services. */
const RUN_TIMEOUT_MS = 20_000

export function accountCommandsClient(options: PortClientOptions): AccountCommands {
  return {
    offered: (accountId) =>
      askPort(
        options,
        { method: 'POST', path: ACCOUNT_COMMANDS_PATHS.offered, body: { accountId } },
        readOffered,
      ),
    form: (accountId, name) =>
      askPort(
        options,
        { method: 'POST', path: ACCOUNT_COMMANDS_PATHS.form, body: { accountId, name } },
        readForm,
      ),
    run: (accountId, name, values) =>
      askPort(
        { timeoutMs: RUN_TIMEOUT_MS, ...options },
        { method: 'POST', path: ACCOUNT_COMMANDS_PATHS.run, body: { accountId, name, values } },
        readOutcome,
      ),
    administer: (asked) =>
      askPort(
        { timeoutMs: RUN_TIMEOUT_MS, ...options },
        { method: 'POST', path: ACCOUNT_COMMANDS_PATHS.administer, body: { ...asked } },
        readKeyedOutcome,
      ),
  }
}
