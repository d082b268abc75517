/** Commands about how the pages of organisations look. */
import { brandingOfHost, LOGO_BYTES_MAX } from '@sealpost/accounts'
import { HttpProblem, Type } from '@sealpost/http'
import { parseSupportUrl, SUPPORT_URL_MAX } from '@sealpost/service'
import { organisationOf, reachableOrganisation } from '../access/reach.ts'
import { checkContrast, checkLogo } from '../organisations/brand.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'
import { detailedSchema, organisationParams, printDetailed } from './organisation-schema.ts'
import { detailed } from './organisations.ts'

const colourSchema = Type.String({ pattern: '^#[0-9a-f]{6}$', description: '#rrggbb' })
/** Also one that has no organisation, such as localhost. */
const hostSchema = Type.String({
  maxLength: 253,
  pattern: String.raw`^[a-z0-9](?:[a-z0-9.:-]*[a-z0-9])?$`,
  description: 'Host name, in ASCII and lower case, or address',
})
const domainSchema = Type.String({
  maxLength: 253,
  pattern: String.raw`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$`,
  description: 'Host name, in ASCII and lower case',
})

const reject = {
  served: () =>
    new HttpProblem(
      403,
      'brand-domain-served',
      'That is a domain of the server, whose operator decides about it',
    ),
} as const

/** For the audit log. */
async function brandState({ accounts }: CommandContext, { params }: { params: { id?: unknown } }) {
  const found = typeof params.id === 'string' ? await accounts.organisations.find(params.id) : undefined
  return found === undefined ? {} : { ...found.brand }
}

const setBranding = defineCommand({
  name: 'organisation.brand',
  summary: 'Set how the pages of an organisation look; what is not given is as above it',
  method: 'PUT',
  path: '/v1/organisations/:id/branding',
  access: 'organisations:write',
  reach: 'organisation',
  state: brandState,
  params: organisationParams,
  body: Type.Object(
    {
      name: Type.Optional(
        Type.String({ minLength: 1, maxLength: 60, pattern: String.raw`^[^\u0000-\u001f\u007f]*$` }),
      ),
      background: Type.Optional(colourSchema),
      text: Type.Optional({ ...colourSchema, description: 'Of text upon the background: at least 4.5 to 1' }),
      domain: Type.Optional({
        ...domainSchema,
        description: 'Host of its pages; only one organisation can have it',
      }),
      support_url: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: SUPPORT_URL_MAX,
          description: 'Where its people get help, https: or mailto:',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: detailedSchema,
  async handle(context, { actor, params, body: { name, background, text, domain, ...body } }) {
    const { id } = await reachableOrganisation(context, actor, params.id)
    const isServed = domain !== undefined && context.domains.includes(domain)
    if (isServed && organisationOf(actor) !== undefined) throw reject.served()
    if ((background === undefined) !== (text === undefined))
      throw new HttpProblem(422, 'colours-incomplete', 'Background and text are given together')
    if (background !== undefined && text !== undefined) checkContrast(background, text)
    const colours = background === undefined || text === undefined ? undefined : { background, text }
    const supportUrl = body.support_url === undefined ? undefined : parseSupportUrl(body.support_url)
    if (body.support_url !== undefined && supportUrl === undefined)
      throw new HttpProblem(422, 'support-url-unacceptable', 'Help is at an https: or mailto: URL')
    const brand = { name, colours, domain, supportUrl }
    return detailed(context, await context.accounts.organisations.setBrand(id, brand))
  },
  lines: [{ noun: 'organisation', verb: 'brand', print: printDetailed }],
})

const setLogo = defineCommand({
  name: 'organisation.logo',
  summary: 'Set the logo of an organisation’s pages; without one it is that of the organisation above',
  method: 'PUT',
  path: '/v1/organisations/:id/logo',
  access: 'organisations:write',
  reach: 'organisation',
  state: brandState,
  params: organisationParams,
  body: Type.Object(
    {
      image: Type.Optional(
        Type.String({
          maxLength: Math.ceil(LOGO_BYTES_MAX / 3) * 4,
          pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$',
          description: 'PNG, JPEG or WebP of at most 64 KiB, in base64',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: detailedSchema,
  async handle(context, { actor, params, body: { image } }) {
    const { id } = await reachableOrganisation(context, actor, params.id)
    const bytes = image === undefined ? undefined : Buffer.from(image, 'base64')
    if (bytes !== undefined) checkLogo(bytes)
    return detailed(context, await context.accounts.organisations.setLogo(id, bytes))
  },
  lines: [{ noun: 'organisation', verb: 'logo', fromStdin: 'image', print: printDetailed }],
})

const brandingSchema = Type.Object({
  name: Type.Optional(Type.String()),
  background: Type.Optional(Type.String()),
  text: Type.Optional(Type.String()),
  logo: Type.Optional(Type.String({ description: 'A data URI' })),
  support_url: Type.Optional(Type.String({ format: 'uri', description: 'Where users get help' })),
})

const showBranding = defineCommand({
  name: 'branding.show',
  summary: 'Show how the pages on a host look; what is absent is as the server’s',
  method: 'GET',
  path: '/v1/branding',
  access: 'anyone',
  query: Type.Object({ domain: hostSchema }, { additionalProperties: false }),
  status: 200,
  response: brandingSchema,
  async handle({ accounts, supportUrl: common }, { query }) {
    const {
      name,
      colours,
      logo,
      supportUrl = common,
    } = await brandingOfHost(accounts.organisations, query.domain)
    return {
      ...(name === undefined ? {} : { name }),
      ...colours,
      ...(logo === undefined ? {} : { logo: `data:${logo.type};base64,${logo.bytes.toString('base64')}` }),
      ...(supportUrl === undefined ? {} : { support_url: supportUrl }),
    }
  },
})

export const brandingCommands: readonly Command[] = [setBranding, setLogo, showBranding]
