/** What the operations need that cannot be made from the document alone, by operationId. */
import { somewhere, type TestAdministrator } from './administrator.ts'
import {
  FINGERPRINT,
  legalRequest,
  MAIL_ID,
  PASSWORD,
  TERMS,
  TODAY,
  type ContractWorld,
  type TestAccount,
} from './contract-world.ts'

/** Beside what is made from the document. */
export interface Input {
  readonly path?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: unknown
  /** Of an upload, its media type. */
  readonly type?: string
  /** Who asks, unless whoever may. */
  readonly by?: TestAdministrator | Pick<TestAccount, 'headers'>
}
type Make = (world: ContractWorld) => Promise<Input> | Input

/** Operations whose success a contract test cannot bring about, and where it is tested. */
export const BEYOND: Readonly<Record<string, string>> = {
  'me.ask-phone': 'a gateway takes the code: phone.scenario.ts',
  'me.confirm-phone': 'the code that the gateway got: phone.scenario.ts',
  'referral.reverse': 'ninety days that were active: affiliates.scenario.ts',
}

const ofAccount: Make = async (world) => ({ path: { jid: (await world.account()).jid } })
const byNewAccount: Make = async (world) => ({ by: await world.account() })
const ofOrganisation: Make = async (world) => ({ path: { id: await world.organisation() } })
const ofDevice: Make = async (world) => {
  const { account, device } = await world.device()
  return { path: { jid: account.jid, device } }
}
const ofOwnDevice: Make = async (world) => {
  const { account, device } = await world.device()
  return { path: { device }, by: account }
}
const ofWebhook: Make = async (world) => ({ path: { id: await world.webhook() } })
const ofMail: Make = () => ({ path: { id: MAIL_ID } })
const ofDeskMail: Make = async (world) => ({ path: { id: await world.deskMail() } })
const ofKey: Make = () => ({ path: { fingerprint: FINGERPRINT } })
const ofReport: Make = async (world) => ({ path: { id: await world.abuseReport() } })
const ofPolicy: Make = async (world) => {
  await world.policy()
  return { path: { kind: 'privacy', version: 1 } }
}
const ofNotice: Make = async (world) => ({
  path: { notice: await world.id('/v1/notices', { kind: 'announcement', title: 'Hello', body: 'To all' }) },
})
const ofPrivacyRequest: Make = async (world) => {
  const { jid } = await world.account()
  return { path: { request: await world.id('/v1/privacy-requests', { jid, kind: 'access' }) } }
}
const ofLegalRequest =
  (...steps: string[]): Make =>
  async (world) => ({ path: { request: await world.legalRequest(...steps) } })
const ofInvite: Make = async (world) => ({ path: { id: await world.id('/v1/invites/account') } })
const ofIncident =
  (...steps: string[]): Make =>
  async (world) => {
    const body = { components: ['chat'], severity: 'minor', title: 'Slow' }
    const id = await world.id('/v1/incidents', body)
    for (const step of steps) await world.made(`/v1/incidents/${id}/${step}`)
    return { path: { id } }
  }
const maintenance = {
  components: ['chat'],
  begins_at: '2030-01-10T12:00:00Z',
  ends_at: '2030-01-10T13:00:00Z',
  summary: 'New disks',
}
const claim = { month: '2029-12', component: 'chat' }
const text = { language: 'en', title: 'Terms', text: 'Be good.' }
const bySomebody: Make = async (world) => ({ by: await world.administrator() })
const toApprove: Make = async (world) => ({
  path: { id: await world.approval() },
  by: await world.second(),
})

async function ownPasskeys(world: ContractWorld): Promise<{ by: TestAdministrator; id: string }> {
  const { who: by } = await world.totp()
  const { passkeys } = (await by.call('GET', '/v1/me/security')).json as { passkeys: { id: string }[] }
  return { by, id: passkeys[0]?.id ?? '' }
}

const people: Readonly<Record<string, Make>> = {
  'account.create': (world) => ({ body: { jid: `${world.name()}@example.org` } }),
  'account.import': (world) => ({ type: 'text/csv', body: `${world.name()}@example.org,${PASSWORD}\n` }),
  'import.preview': () => ({ type: 'application/xml', body: serverData('ann') }),
  'import.run': () => ({ type: 'application/xml', body: serverData('ben') }),
  'account.show': ofAccount,
  'account.enrol': ofAccount,
  'account.suspend': ofAccount,
  'account.restore': async (world) => {
    const { jid } = await world.account()
    await world.made(`/v1/accounts/${jid}/suspend`)
    return { path: { jid } }
  },
  'account.terminate': ofAccount,
  'account.keep': async (world) => {
    const { jid } = await world.account()
    await world.made(`/v1/accounts/${jid}/terminate`, { after: 30 })
    return { path: { jid } }
  },
  'account.move': async (world) => {
    const { jid } = await world.account()
    return { path: { jid }, body: { organisation: await world.organisation() } }
  },
  'account.subscribe': async (world) => ({ path: { jid: (await world.account()).jid }, body: TERMS }),
  'account.subscription': async (world) => {
    const { jid } = await world.account()
    await world.made(`/v1/subscriptions/accounts/${jid}`, TERMS, 'PUT')
    return { path: { jid } }
  },
  'account.mail-limit': ofAccount,
  'account.limit-mail': ofAccount,
  'account.mail-reviewed': ofAccount,
  'account.plan': ofAccount,
  'account.set-plan': async (world) => {
    await world.made('/v1/plans/big', {}, 'PUT')
    return { path: { jid: (await world.account()).jid }, body: { plan: 'big' } }
  },
  'plan.remove': async (world) => {
    await world.made('/v1/plans/short-lived', {}, 'PUT')
    return { path: { name: 'short-lived' } }
  },
  'account.sign-out': ofAccount,
  'account.export': ofAccount,
  'device.list': ofAccount,
  'queue.show': ofAccount,
  'device.revoke': ofDevice,
  'device.sign-out': ofDevice,
  'me.rename-device': ofOwnDevice,
  'me.sign-out-device': ofOwnDevice,
  'me.revoke-device': ofOwnDevice,
  'account-session.start': async (world) => ({
    body: { jid: (await world.account()).jid, password: PASSWORD },
  }),
  'me.end-session': async (world) => {
    const by = await world.account()
    await world.api.call('POST', '/v1/account-session', {
      headers: somewhere(),
      body: { jid: by.jid, password: PASSWORD },
    })
    const { items } = (await world.mine(by, 'GET', '/v1/me/sessions')).json as { items: { id: string }[] }
    return { by, path: { id: items[0]?.id ?? '' } }
  },
  'me.sign-out': byNewAccount,
  'me.password': async (world) => ({ by: await world.account(), body: { password: 'another-word' } }),
  'me.revoke-app-password': async (world) => {
    const by = await world.account()
    const made = await world.mine(by, 'POST', '/v1/me/app-passwords', { name: 'Mail', scopes: ['mail'] })
    return { by, path: { id: String(made.json['id']) } }
  },
  'me.confirm-deletion': async (world) => {
    const by = await world.account()
    const request = await world.id('/v1/privacy-requests', { jid: by.jid, kind: 'deletion' })
    return { by, path: { request }, body: { password: PASSWORD } }
  },
  'me.accept-policy': async (world) => ({
    ...(await ofPolicy(world)),
    body: { words: 'I agree' },
  }),
  'invite.redeem': async (world) => {
    const made = await world.made('/v1/accounts', { jid: `${world.name()}@example.org` })
    return { body: { token: (made['enrolment'] as { token: string }).token, password: PASSWORD } }
  },
  'invite.show': ofInvite,
  'invite.qr': ofInvite,
  'invite.revoke': ofInvite,
  'registration.show': async (world) => ({
    path: { token: String((await world.made('/v1/invites/account'))['token']) },
  }),
  'registration.create': async (world) => {
    const { token } = await world.made('/v1/invites/account')
    return { body: { token, name: world.name(), password: PASSWORD } }
  },
}

const organisations: Readonly<Record<string, Make>> = {
  'organisation.show': ofOrganisation,
  'organisation.change': ofOrganisation,
  'organisation.remove': ofOrganisation,
  'organisation.terminate': ofOrganisation,
  'organisation.keep': async (world) => {
    const id = await world.organisation()
    await world.made(`/v1/organisations/${id}/terminate`, { after: 30 })
    return { path: { id } }
  },
  'organisation.suspend': ofOrganisation,
  'organisation.restore': async (world) => {
    const id = await world.organisation()
    await world.made(`/v1/organisations/${id}/suspend`)
    return { path: { id } }
  },
  'organisation.brand': ofOrganisation,
  'organisation.logo': ofOrganisation,
  'organisation.credit-claims': ofOrganisation,
  'statistics.organisation': ofOrganisation,
  'subscription.set': async (world) => ({ path: { id: await world.organisation() }, body: TERMS }),
  'subscription.show': async (world) => ({ path: { id: await subscribed(world) } }),
  'subscription.remove': async (world) => ({ path: { id: await subscribed(world) } }),
  'subscription.refunded': async (world) => ({ path: { id: await world.refundDue() } }),
  'affiliate.close': async (world) => ({ path: { id: (await world.affiliate()).id } }),
  'affiliate.statements': async (world) => ({ path: { id: (await world.affiliate()).id } }),
  'referral.click': async (world) => ({ body: { code: (await world.affiliate()).code } }),
  'referral.create': async (world) => {
    const { code } = await world.affiliate()
    const { token } = await world.made('/v1/referrals/clicks', { code })
    return { body: { token, subject: (await world.account()).id } }
  },
  'credit.claim': async (world) => ({ path: { id: await world.organisation() }, body: claim }),
  'credit.decide': async (world) => {
    const organisation = await world.organisation()
    return { path: { id: await world.id(`/v1/organisations/${organisation}/credit-claims`, claim) } }
  },
}

const services: Readonly<Record<string, Make>> = {
  'mail.show': ofMail,
  'mail.retry': ofMail,
  'mail.hold': ofMail,
  'mail.release': ofMail,
  'mail.drop': ofMail,
  'mail.desk-show': ofDeskMail,
  'mail.desk-done': ofDeskMail,
  'key.remove': ofKey,
  'key.readmit': ofKey,
  'webhook.show': ofWebhook,
  'webhook.change': ofWebhook,
  'webhook.remove': ofWebhook,
  'webhook.rotate': ofWebhook,
  'webhook.test': ofWebhook,
  'webhook.redeliver-all': ofWebhook,
  'webhook.redeliver': async (world) => ({ path: { id: await world.deadDelivery() } }),
  'apikey.revoke': async (world) => ({
    path: { id: await world.id('/v1/api-keys', { scope: ['status:read'] }) },
  }),
  'status.probe': () => ({
    body: { at: `${TODAY}T12:00:00Z`, results: [{ component: 'chat', good: true }] },
  }),
  'incident.update': ofIncident(),
  'incident.close': ofIncident(),
  'incident.report': ofIncident('close'),
  'maintenance.plan': () => ({ body: maintenance }),
  'maintenance.cancel': async (world) => ({ path: { id: await world.id('/v1/maintenance', maintenance) } }),
  'crash.show': async (world) => {
    const trace = { application: 'App', version: '1', platform: 'p', trace: 'at main (a.ts:1:2)' }
    return { path: { signature: String((await world.made('/v1/crash-reports', trace))['signature']) } }
  },
}

const rights: Readonly<Record<string, Make>> = {
  'abuse.show': ofReport,
  'abuse.take': ofReport,
  'abuse.close': ofReport,
  'abuse.act': async (world) => ({
    path: { id: await world.abuseReport() },
    body: { action: 'suspend' },
  }),
  'privacy-request.record': async (world) => ({
    body: { jid: (await world.account()).jid, kind: 'access' },
  }),
  'privacy-request.show': ofPrivacyRequest,
  'privacy-request.answer': ofPrivacyRequest,
  'privacy-request.refuse': ofPrivacyRequest,
  'policy.show': ofPolicy,
  'policy.acceptances': ofPolicy,
  'policy.publish': () => ({ path: { kind: 'sla' }, body: { ...text, effective_on: TODAY } }),
  'policy.translate': async (world) => ({
    ...(await ofPolicy(world)),
    body: { ...text, language: 'fr' },
  }),
  'notice.show': ofNotice,
  'notice.withdraw': ofNotice,
  'legal-request.record': async (world) => ({ body: legalRequest((await world.account()).jid) }),
  'legal-request.show': ofLegalRequest(),
  'legal-request.review': ofLegalRequest(),
  'legal-request.refuse': async (world) => ({
    ...(await ofLegalRequest()(world)),
    body: { because: ['withdrawn'] },
  }),
  'legal-request.approve': ofLegalRequest('review'),
  'legal-request.produce': ofLegalRequest('review', 'approve'),
  'legal-request.production': ofLegalRequest('review', 'approve', 'produce'),
}

const administration: Readonly<Record<string, Make>> = {
  'admin.enrol.options': async (world) => ({
    body: { token: await world.adminInvite(), name: world.name() },
  }),
  'admin.enrol.totp': async (world) => ({
    body: { token: await world.adminInvite(), name: world.name() },
  }),
  'admin.enrol': async (world) => {
    const body = { token: await world.adminInvite(), name: world.name() }
    const { ticket, secret } = await world.made('/v1/administrators/enrol/totp', body)
    return { body: { ...body, totp: { ticket, code: world.codeOf(secret) } } }
  },
  'admin.change': async (world) => ({
    path: { id: (await world.administrator()).id },
    body: { role: 'auditor' },
  }),
  'admin.remove': async (world) => ({ path: { id: (await world.administrator()).id } }),
  'approval.show': async (world) => ({ path: { id: await world.approval() } }),
  'approval.approve': toApprove,
  'approval.refuse': toApprove,
  'session.passkey': async (world) => {
    const { authenticator } = await world.administrator()
    return { body: { credential: authenticator.get(await world.made('/v1/session/passkey/options')) } }
  },
  'session.totp': async (world) => {
    const { who, secret } = await world.totp()
    return { body: { name: who.name, code: world.codeOf(secret, 30_000) } }
  },
  'session.recovery': async (world) => {
    const { name, recoveryCodes } = await world.administrator()
    return { body: { name, code: recoveryCodes[0] } }
  },
  'session.end': bySomebody,
  'session.proof': async (world) => {
    const by = await world.administrator()
    const options = (await by.call('POST', '/v1/session/proof/options')).json
    return { by, body: { credential: by.authenticator.get(options) } }
  },
  'security.rename': async (world) => ({ by: await world.administrator(), body: { name: world.name() } }),
  'security.passkey.add': async (world) => {
    const by = await world.administrator()
    const options = (await by.call('POST', '/v1/me/security/passkeys/options')).json
    return { by, body: { name: 'Stick', credential: by.authenticator.create(options) } }
  },
  'security.passkey.rename': async (world) => {
    const { by, id } = await ownPasskeys(world)
    return { by, path: { id } }
  },
  'security.passkey.remove': async (world) => {
    const { by, id } = await ownPasskeys(world)
    return { by, path: { id } }
  },
  'security.totp.set': async (world) => {
    const by = await world.administrator()
    const { ticket, secret } = (await by.call('POST', '/v1/me/security/totp/options')).json
    return { by, body: { ticket, code: world.codeOf(secret) } }
  },
  'security.totp.remove': async (world) => ({ by: (await world.totp()).who }),
  'security.codes.renew': bySomebody,
  'security.session.end': async (world) => {
    const by = await world.administrator()
    await by.signIn()
    const { sessions } = (await by.call('GET', '/v1/me/security')).json as {
      sessions: { id: string; current: boolean }[]
    }
    return { by, path: { id: sessions.find(({ current }) => !current)?.id ?? '' } }
  },
}

export const INPUTS: Readonly<Record<string, Make>> = {
  ...people,
  ...organisations,
  ...services,
  ...rights,
  ...administration,
}

async function subscribed(world: ContractWorld): Promise<string> {
  const organisation = await world.organisation()
  await world.made(`/v1/subscriptions/organisations/${organisation}`, TERMS, 'PUT')
  return organisation
}

function serverData(user: string): string {
  return `<?xml version='1.0'?><server-data xmlns='urn:xmpp:pie:0'><host jid='example.org'><user name='${user}' password='${PASSWORD}'/></host></server-data>`
}
