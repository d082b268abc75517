/** All schemas together. */
import { ACCOUNT } from './account.ts'
import { API } from './api.ts'
import { AUDIT } from './audit.ts'
import type { Tables } from './entry.ts'
import { KEYS } from './keys.ts'
import { SMTP } from './smtp.ts'
import { XMPP } from './xmpp.ts'

export const DATA_MAP: Tables = { ...ACCOUNT, ...XMPP, ...SMTP, ...KEYS, ...API, ...AUDIT }
