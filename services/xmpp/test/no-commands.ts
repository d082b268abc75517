import type { AccountCommands } from '@sealpost/ports'

/** An API that offers nothing. */
export const noCommands: AccountCommands = {
  offered: () => Promise.resolve([]),
  form: () => Promise.resolve(undefined),
  run: () => Promise.resolve(undefined),
  administer: () => Promise.resolve({ result: 'refused', status: 401, text: 'No' }),
}
