/** Pages as those look for whom they are: the organisation that an invite names, or the one whose host the browser asked. */
import { brandingOf, brandingOfHost } from '@sealpost/accounts'
import { sendPage, type FastifyReply, type Html, type PageLanguage } from '@sealpost/http'
import type { CommandContext } from '../commands/command.ts'

export interface PageCircumstances {
  /** Whose page it is whatever the host. */
  readonly organisationId?: string | undefined
  /** English unless given. */
  readonly language?: PageLanguage
}

export type SendBranded = (
  reply: FastifyReply,
  status: number,
  title: string,
  body: Html,
  circumstances?: PageCircumstances,
) => Promise<FastifyReply>

export function brandedPages({
  accounts: { organisations },
  supportUrl,
}: Pick<CommandContext, 'accounts' | 'supportUrl'>): SendBranded {
  return async (reply, status, title, body, { organisationId, language = 'en' } = {}) => {
    const named = organisationId === undefined ? undefined : await organisations.find(organisationId)
    const branding =
      named === undefined
        ? await brandingOfHost(organisations, reply.request.hostname)
        : await brandingOf(organisations, named)
    return sendPage(reply, status, title, body, {
      ...branding,
      language,
      supportUrl: branding.supportUrl ?? supportUrl,
    })
  }
}
