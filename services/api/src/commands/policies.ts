/** Commands about the operator's policies. */
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import type { PolicyOfAccount } from '../policies/policies.ts'
import { POLICY_KINDS, type PolicyVersion } from '../policies/store.ts'
import { defineCommand, type Command } from './command.ts'
import { daySchema, lineSchema, textSchema, words } from './rights-schema.ts'

const BODY_CHARS_MAX = 200_000

const kindSchema = words(POLICY_KINDS)
const languageSchema = Type.String({
  maxLength: 35,
  pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$',
  description: 'RFC 5646, such as en or fr',
})
const versionSchema = Type.Object({
  kind: kindSchema,
  version: Type.Integer(),
  published_on: daySchema,
  effective_on: Type.String({ format: 'date', description: 'The first day on which it is in force' }),
  languages: Type.Array(Type.String()),
})
const documentSchema = Type.Object({
  ...versionSchema.properties,
  language: Type.String(),
  title: Type.String(),
  text: Type.String({ description: 'Plain; an empty line ends a paragraph' }),
})
const textBody = {
  language: languageSchema,
  title: lineSchema(200),
  text: textSchema(BODY_CHARS_MAX, 'Plain; an empty line ends a paragraph'),
}
const versionParams = Type.Object({
  kind: kindSchema,
  version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
})

function show(policy: PolicyVersion): Static<typeof versionSchema> {
  const { kind, version, publishedOn, effectiveOn, languages } = policy
  return {
    kind,
    version,
    published_on: publishedOn,
    effective_on: effectiveOn,
    languages: [...languages],
  }
}

function print(policy: Static<typeof versionSchema>): string {
  const { kind, version, effective_on: effectiveOn, languages } = policy
  return `${kind}  version ${String(version)}  in force from ${effectiveOn}  ${languages.join(', ')}`
}

const list = defineCommand({
  name: 'policy.list',
  summary: 'List all versions of all policies, the newest of each first',
  method: 'GET',
  path: '/v1/policies',
  access: 'anyone',
  status: 200,
  response: Type.Object({ items: Type.Array(versionSchema) }),
  async handle({ rights }) {
    return { items: (await rights.policies.versions()).map(show) }
  },
  lines: [
    { noun: 'policy', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No policies' },
  ],
})

const showOne = defineCommand({
  name: 'policy.show',
  summary: 'Show a version of a policy',
  method: 'GET',
  path: '/v1/policies/:kind/versions/:version',
  access: 'anyone',
  params: versionParams,
  query: Type.Object({ language: Type.Optional(languageSchema) }, { additionalProperties: false }),
  status: 200,
  response: documentSchema,
  async handle({ rights }, { params, query }) {
    const { text, ...version } = await rights.policies.document(params.kind, params.version, query.language)
    return { ...show(version), language: text.language, title: text.title, text: text.body }
  },
  lines: [{ noun: 'policy', verb: 'show', print: ({ title, text }) => `${title}\n\n${text}` }],
})

const publish = defineCommand({
  name: 'policy.publish',
  summary:
    'Publish the next version of a policy. An amendment is in force in thirty days at the earliest, and everybody is told at once',
  method: 'POST',
  path: '/v1/policies/:kind/versions',
  access: 'policies:write',
  params: Type.Object({ kind: kindSchema }),
  body: Type.Object({ ...textBody, effective_on: daySchema }, { additionalProperties: false }),
  records: ['language', 'effective_on', 'version'],
  status: 201,
  response: versionSchema,
  async handle({ rights }, { params, body: { language, title, text, effective_on: effectiveOn } }) {
    return show(await rights.policies.publish(params.kind, effectiveOn, { language, title, body: text }))
  },
  lines: [{ noun: 'policy', verb: 'publish', print }],
})

const translate = defineCommand({
  name: 'policy.translate',
  summary: 'Add the text of a version in another language; it does not change any more then',
  method: 'POST',
  path: '/v1/policies/:kind/versions/:version/texts',
  access: 'policies:write',
  params: versionParams,
  body: Type.Object(textBody, { additionalProperties: false }),
  records: ['language'],
  status: 201,
  response: versionSchema,
  async handle({ rights }, { params, body: { language, title, text } }) {
    const { kind, version } = params
    return show(await rights.policies.translate(kind, version, { language, title, body: text }))
  },
  lines: [{ noun: 'policy', verb: 'translate', print }],
})

const acceptances = defineCommand({
  name: 'policy.acceptances',
  summary: 'How many accounts have agreed to a version, those that are gone included',
  method: 'GET',
  path: '/v1/policies/:kind/versions/:version/acceptances',
  access: 'policies:read',
  params: versionParams,
  status: 200,
  response: Type.Object({ count: Type.Integer() }),
  async handle({ rights }, { params: { kind, version } }) {
    return { count: await rights.policies.acceptances(kind, version) }
  },
  lines: [{ noun: 'policy', verb: 'acceptances', print: ({ count }) => String(count) }],
})

const mineSchema = Type.Object({
  kind: kindSchema,
  to_accept: Type.Boolean({ description: 'The version in force waits for “I agree”' }),
  current: Type.Optional(versionSchema),
  upcoming: Type.Optional(versionSchema),
  accepted: Type.Optional(Type.Object({ version: Type.Integer(), accepted_on: daySchema })),
})

function showMine({
  kind,
  current,
  upcoming,
  accepted,
  toAccept,
}: PolicyOfAccount): Static<typeof mineSchema> {
  return {
    kind,
    to_accept: toAccept,
    ...(current === undefined ? {} : { current: show(current) }),
    ...(upcoming === undefined ? {} : { upcoming: show(upcoming) }),
    ...(accepted === undefined
      ? {}
      : { accepted: { version: accepted.version, accepted_on: accepted.acceptedOn } }),
  }
}

const listMine = defineCommand({
  name: 'me.policies',
  summary: 'List the policies that hold for you, and which of them wait for your agreement',
  method: 'GET',
  path: '/v1/me/policies',
  access: 'account',
  byProgram: true,
  status: 200,
  response: Type.Object({ items: Type.Array(mineSchema) }),
  async handle({ rights }, { actor }) {
    assert(actor.kind === 'account')
    return { items: (await rights.policies.ofAccount(actor.account.id)).map(showMine) }
  },
})

const accept = defineCommand({
  name: 'me.accept-policy',
  summary: 'Agree to a version of a policy: who, when and which version is on record',
  method: 'POST',
  path: '/v1/me/policies/:kind/versions/:version/acceptance',
  access: 'account',
  params: versionParams,
  body: Type.Object({ words: Type.Literal('I agree') }, { additionalProperties: false }),
  status: 201,
  response: mineSchema,
  async handle({ rights }, { actor, params: { kind, version } }) {
    assert(actor.kind === 'account')
    const { id } = actor.account
    await rights.policies.accept(id, kind, version)
    const mine = (await rights.policies.ofAccount(id)).find((each) => each.kind === kind)
    assert(mine)
    return showMine(mine)
  },
})

export const policyCommands: readonly Command[] = [
  list,
  showOne,
  publish,
  translate,
  acceptances,
  listMine,
  accept,
]
