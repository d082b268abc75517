/** Commands about requests of authorities. What is produced is what the guidelines list; no command shows anything else. */
import { Type, type Static } from '@sealpost/http'
import { productionText } from '../legal/production.ts'
import { LEGAL_KINDS, LEGAL_STATES, LEGAL_WAYS, REFUSALS, SOUGHT, type LegalRequest } from '../legal/store.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'
import { FileAnswer } from './file-answer.ts'
import { LIMIT_DEFAULT, nextSchema, withNext } from './paging.ts'
import { daySchema, idSchema, lineSchema, pageQuery, textSchema, words } from './rights-schema.ts'

const requestSchema = Type.Object({
  id: idSchema,
  state: words(LEGAL_STATES),
  kind: words(LEGAL_KINDS),
  authority: Type.String(),
  official_address: Type.Optional(Type.String()),
  letterhead: words(['present', 'missing']),
  username: Type.Optional(Type.String()),
  sought: Type.Array(words(SOUGHT)),
  sought_otherwise: Type.Optional(Type.String({ description: 'Of which nothing exists here' })),
  device_type: Type.Optional(Type.String()),
  legal_basis: Type.String(),
  received_how: words(LEGAL_WAYS),
  received_on: daySchema,
  gag_until: Type.Optional(
    Type.String({ format: 'date', description: 'The last day on which the user must not be told' }),
  ),
  refused_because: Type.Array(words(REFUSALS)),
  closed_on: Type.Optional(daySchema),
  notified_on: Type.Optional(daySchema),
})

const newSchema = Type.Object(
  {
    kind: words(LEGAL_KINDS),
    authority: lineSchema(200),
    official_address: Type.Optional(
      Type.String({ maxLength: 320, pattern: String.raw`^[^\s@\u0000-\u001f]+@[^\s@\u0000-\u001f]+$` }),
    ),
    letterhead: words(['present', 'missing']),
    username: Type.Optional(lineSchema(3_071, 'Bare address of the account, user@domain')),
    sought: Type.Array(words(SOUGHT), { maxItems: SOUGHT.length, uniqueItems: true }),
    sought_otherwise: Type.Optional(textSchema(1_000, 'What is sought besides, in the words of the request')),
    device_type: Type.Optional(lineSchema(200, 'A type that the request names, to be confirmed or denied')),
    legal_basis: textSchema(1_000),
    received_how: words(LEGAL_WAYS),
    received_on: daySchema,
    gag_until: Type.Optional(daySchema),
  },
  { additionalProperties: false },
)
const named = Type.Object({ request: idSchema })

function show(request: LegalRequest): Static<typeof requestSchema> {
  const optional = {
    official_address: request.officialAddress,
    username: request.username,
    sought_otherwise: request.soughtOtherwise,
    device_type: request.deviceType,
    gag_until: request.gagUntil,
    closed_on: request.closedOn,
    notified_on: request.notifiedOn,
  }
  const given = Object.entries(optional).filter(([, value]) => value !== undefined)
  return {
    id: request.id,
    state: request.state,
    kind: request.kind,
    authority: request.authority,
    letterhead: request.letterhead ? 'present' : 'missing',
    sought: [...request.sought],
    legal_basis: request.legalBasis,
    received_how: request.receivedHow,
    received_on: request.receivedOn,
    refused_because: [...request.refusedBecause],
    ...(Object.fromEntries(given) as Record<string, string>),
  }
}

function print(request: Static<typeof requestSchema>): string {
  const { id, state, kind, authority, refused_because: because } = request
  return `${id}  ${kind}  ${state}${because.length === 0 ? '' : ` (${because.join(', ')})`}  ${authority}`
}

const record = defineCommand({
  name: 'legal-request.record',
  summary: 'Record a request of an authority; refused at once when it lacks what the guidelines demand',
  method: 'POST',
  path: '/v1/legal-requests',
  access: 'legal:write',
  body: newSchema,
  records: ['kind', 'state', 'refused_because'],
  status: 201,
  response: requestSchema,
  async handle({ rights }, { body }) {
    const recorded = await rights.legal.record({
      kind: body.kind,
      authority: body.authority,
      officialAddress: body.official_address,
      letterhead: body.letterhead === 'present',
      username: body.username,
      sought: body.sought,
      soughtOtherwise: body.sought_otherwise,
      deviceType: body.device_type,
      legalBasis: body.legal_basis,
      receivedHow: body.received_how,
      receivedOn: body.received_on,
      gagUntil: body.gag_until,
    })
    return show(recorded)
  },
  lines: [{ noun: 'legal', verb: 'record', print }],
})

const list = defineCommand({
  name: 'legal-request.list',
  summary: 'List requests of authorities, the newest first',
  method: 'GET',
  path: '/v1/legal-requests',
  access: 'legal:read',
  query: Type.Object(
    { ...pageQuery, state: Type.Optional(words(LEGAL_STATES)) },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ items: Type.Array(requestSchema), next: nextSchema }),
  async handle({ rights }, { query: { limit = LIMIT_DEFAULT, ...query } }) {
    const { items, next } = await rights.legal.list({ ...query, limit })
    return withNext(items.map(show), next)
  },
  lines: [
    { noun: 'legal', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No requests' },
  ],
})

const showOne = defineCommand({
  name: 'legal-request.show',
  summary: 'Show a request of an authority',
  method: 'GET',
  path: '/v1/legal-requests/:request',
  access: 'legal:read',
  params: named,
  status: 200,
  response: requestSchema,
  handle: async ({ rights }, { params }) => show(await rights.legal.find(params.request)),
  lines: [{ noun: 'legal', verb: 'show', print }],
})

type Step = Pick<Command, 'summary' | 'destructive' | 'fourEyes'> & {
  readonly verb: string
  readonly act: (context: CommandContext, id: string) => Promise<LegalRequest>
}

function step({ verb, act, ...rest }: Step): Command {
  return defineCommand({
    ...rest,
    name: `legal-request.${verb}`,
    method: 'POST',
    path: `/v1/legal-requests/:request/${verb}`,
    access: 'legal:write',
    params: named,
    records: ['state'],
    status: 200,
    response: requestSchema,
    handle: async (context, { params }) => show(await act(context, params.request)),
    lines: [{ noun: 'legal', verb, print }],
  })
}

const refuse = defineCommand({
  name: 'legal-request.refuse',
  summary: 'Refuse a request of an authority',
  method: 'POST',
  path: '/v1/legal-requests/:request/refuse',
  access: 'legal:write',
  params: named,
  body: Type.Object(
    { because: Type.Array(words(REFUSALS), { minItems: 1, maxItems: REFUSALS.length, uniqueItems: true }) },
    { additionalProperties: false },
  ),
  records: ['because'],
  status: 200,
  response: requestSchema,
  handle: async ({ rights }, { params, body }) =>
    show(await rights.legal.refuse(params.request, body.because)),
  lines: [{ noun: 'legal', verb: 'refuse', print }],
})

const production = defineCommand({
  name: 'legal-request.production',
  summary: 'Get what was produced, for thirty days: signed JSON, or a text for a lawyer',
  method: 'GET',
  path: '/v1/legal-requests/:request/production',
  access: 'legal:read',
  params: named,
  query: Type.Object({ format: Type.Optional(words(['json', 'text'])) }, { additionalProperties: false }),
  status: 200,
  response: Type.Object({ document: Type.Unknown(), signature: Type.Unknown() }),
  async handle({ rights }, { params: { request }, query }) {
    const signed = await rights.legal.production(request)
    if (query.format !== 'text') return { document: signed.document, signature: signed.signature }
    const text = productionText(signed.document)
    return new FileAnswer('text/plain; charset=utf-8', `production-${request}.txt`, text)
  },
  lines: [{ noun: 'legal', verb: 'production', print: (signed) => JSON.stringify(signed, undefined, 2) }],
})

export const legalCommands: readonly Command[] = [
  record,
  list,
  showOne,
  step({
    verb: 'review',
    summary: 'Say that a request is authentic and in order',
    act: ({ rights }, id) => rights.legal.review(id),
  }),
  refuse,
  step({
    verb: 'approve',
    summary: 'Approve a request; the user is told now, unless that is forbidden',
    destructive: true,
    fourEyes: true,
    act: ({ rights }, id) => rights.legal.approve(id),
  }),
  step({
    verb: 'produce',
    summary: 'Produce what was sought, as far as it exists; the user has been told, unless that is forbidden',
    destructive: true,
    async act({ rights }, id) {
      await rights.legal.produce(id)
      return rights.legal.find(id)
    },
  }),
  production,
]
