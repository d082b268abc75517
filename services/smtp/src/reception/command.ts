/** RFC 5321 §4.1: commands and their arguments, with the parameters of SIZE, 8BITMIME, SMTPUTF8, DSN, REQUIRETLS and AUTH. Pure. */
import { parseAddress } from '@sealpost/mail'
import type { EmailAddress } from '@sealpost/mail'
import { SmtpReply } from '../smtp-reply.ts'
import type { Envelope, EnvelopeRecipient, NotifyWhen } from './stage.ts'

export interface Command {
  /** In upper case. */
  readonly verb: string
  readonly argument: string
}

const reject = {
  syntax: () => new SmtpReply(501, '5.5.4', 'Syntax error in parameters'), // RFC 5321 §4.2.2
  unknownParameter: () => new SmtpReply(555, '5.5.4', 'Parameter not recognized'), // RFC 5321 §4.1.1.11
  sender: () => new SmtpReply(553, '5.1.7', 'Not an address'), // RFC 3463 §3.2
  recipient: () => new SmtpReply(553, '5.1.3', 'Not an address'), // RFC 3463 §3.2
  notAscii: () => new SmtpReply(553, '5.6.7', 'Addresses in UTF-8 need SMTPUTF8'), // RFC 6531 §3.5
  tooLarge: () => new SmtpReply(552, '5.3.4', 'Message too large'), // RFC 1870 §6.1
} as const

const VERB = /^([A-Za-z]{1,32})(?: +(.*))?$/s
/** RFC 5321 §4.1.2 and Appendix C: the route in front of an address is read over. */
const PATH = /^ *<(?:@[^:<>" ]{1,400}:)?((?:"(?:[^"\\]|\\.)*"|[^"<> ])*)>(?: +(\S.*))?$/s
const NOT_ASCII = /[\u0080-\u{10FFFF}]/u
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001F\u007F]/
const SIZE = /^\d{1,20}$/
const PARAMETER = /^([A-Za-z\d][A-Za-z\d-]{0,31})(?:=([^= ]{1,1000}))?$/

/** Undefined: it is none. The line comes without its CRLF. */
export function parseCommand(line: string): Command | undefined {
  if (CONTROLS.test(line)) return undefined
  const [, verb, argument = ''] = VERB.exec(line.trimEnd()) ?? []
  return verb === undefined ? undefined : { verb: verb.toUpperCase(), argument }
}

/** What else this connection allows. */
export interface MailContext {
  readonly sizeMax: number
  /** RFC 8689 §2: offered under TLS only. */
  readonly requireTls: boolean
  /** RFC 4954 §5: where AUTH is offered. */
  readonly auth: boolean
}

/** Of MAIL, without recipients. */
export function parseMail(argument: string, context: MailContext): Envelope | SmtpReply {
  const split = splitPath(argument, 'FROM:')
  if (split instanceof SmtpReply) return split
  const known = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID'])
  if (context.requireTls) known.add('REQUIRETLS')
  if (context.auth) known.add('AUTH')
  const parameters = parseParameters(split.parameters, known)
  if (parameters instanceof SmtpReply) return parameters
  const fault = faultOfMail(parameters, context.sizeMax)
  if (fault !== undefined) return fault
  const smtpUtf8 = parameters.has('SMTPUTF8')
  const sender = split.path === '' ? undefined : parseAddress(split.path)
  if (split.path !== '' && sender === undefined) return reject.sender()
  if (!smtpUtf8 && NOT_ASCII.test(split.path)) return reject.notAscii()
  const ret = parameters.get('RET')?.toUpperCase()
  const envelopeId = parameters.get('ENVID')
  return {
    sender,
    recipients: [],
    smtpUtf8,
    eightBit: smtpUtf8 || parameters.get('BODY')?.toUpperCase() === '8BITMIME',
    requireTls: parameters.has('REQUIRETLS'),
    returnContent: ret === 'FULL' ? 'full' : ret === 'HDRS' ? 'headers' : undefined,
    envelopeId: envelopeId === undefined ? undefined : decodeXtext(envelopeId),
  }
}

function faultOfMail(parameters: Parameters, sizeMax: number): SmtpReply | undefined {
  const size = parameters.get('SIZE')
  if (parameters.has('SIZE') && (size === undefined || !SIZE.test(size))) return reject.syntax()
  if (size !== undefined && Number(size) > sizeMax) return reject.tooLarge()
  const body = parameters.get('BODY')?.toUpperCase()
  if (parameters.has('BODY') && body !== '7BIT' && body !== '8BITMIME') return reject.syntax()
  const ret = parameters.get('RET')?.toUpperCase()
  if (parameters.has('RET') && ret !== 'FULL' && ret !== 'HDRS') return reject.syntax()
  const envelopeId = parameters.get('ENVID') ?? ''
  // RFC 3461 §4.4: 100 characters at most.
  const soundId = envelopeId.length <= 100 && decodeXtext(envelopeId) !== undefined
  if (parameters.has('ENVID') && (envelopeId === '' || !soundId)) return reject.syntax()
  const valued = parameters.get('SMTPUTF8') ?? parameters.get('REQUIRETLS')
  return valued === undefined ? undefined : reject.syntax()
}

const NOTIFY: readonly string[] = ['success', 'failure', 'delay'] satisfies NotifyWhen[]

/** Of RCPT. `postmaster`: who `<Postmaster>` without a domain is (RFC 5321 §4.1.1.3). */
export function parseRecipient(
  argument: string,
  { smtpUtf8, postmaster }: { smtpUtf8: boolean; postmaster: EmailAddress },
): EnvelopeRecipient | SmtpReply {
  const split = splitPath(argument, 'TO:')
  if (split instanceof SmtpReply) return split
  const parameters = parseParameters(split.parameters, new Set(['NOTIFY', 'ORCPT']))
  if (parameters instanceof SmtpReply) return parameters
  const address = split.path.toLowerCase() === 'postmaster' ? postmaster : parseAddress(split.path)
  if (address === undefined) return reject.recipient()
  if (!smtpUtf8 && NOT_ASCII.test(split.path)) return reject.notAscii()
  const notify = parseNotify(parameters)
  const originalRecipient = parseOriginalRecipient(parameters)
  if (notify === null || originalRecipient === null) return reject.syntax()
  return { address, notify, originalRecipient }
}

/** RFC 3461 §4.1. Null: it is malformed. */
function parseNotify(parameters: Parameters): NotifyWhen[] | undefined | null {
  if (!parameters.has('NOTIFY')) return undefined
  const items = (parameters.get('NOTIFY') ?? '').toLowerCase().split(',')
  if (items.length === 1 && items[0] === 'never') return ['never']
  return items.every((item) => NOTIFY.includes(item)) ? ([...new Set(items)] as NotifyWhen[]) : null
}

/** RFC 3461 §4.2: `addr-type;xtext`, 500 characters at most. Null: it is malformed. */
function parseOriginalRecipient(parameters: Parameters): string | undefined | null {
  if (!parameters.has('ORCPT')) return undefined
  const value = parameters.get('ORCPT') ?? ''
  const [, type, xtext] = /^([A-Za-z\d-]{1,32});(.{1,500})$/.exec(value) ?? []
  if (type === undefined || xtext === undefined) return null
  // RFC 6533 §3: utf-8 addresses have an encoding of their own and may stand as they are.
  const address = type.toLowerCase() === 'utf-8' ? xtext : decodeXtext(xtext)
  return address === undefined ? null : `${type.toLowerCase()};${address}`
}

type Parameters = ReadonlyMap<string, string | undefined>

function parseParameters(text: string, known: ReadonlySet<string>): Parameters | SmtpReply {
  const parameters = new Map<string, string | undefined>()
  for (const word of text.split(' ').filter((each) => each !== '')) {
    const [, keyword, value] = PARAMETER.exec(word) ?? []
    if (keyword === undefined) return reject.syntax()
    const name = keyword.toUpperCase()
    if (!known.has(name)) return reject.unknownParameter()
    if (parameters.has(name)) return reject.syntax()
    parameters.set(name, value)
  }
  return parameters
}

function splitPath(argument: string, keyword: string): { path: string; parameters: string } | SmtpReply {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return reject.syntax()
  const [whole, path = '', parameters = ''] = PATH.exec(argument.slice(keyword.length)) ?? []
  return whole === undefined ? reject.syntax() : { path, parameters }
}

/** RFC 3461 §4: printable characters, all others as +XX. Undefined: it is malformed, or hides a character that does not print. */
function decodeXtext(text: string): string | undefined {
  if (!/^(?:[!-*,-<>-~]|\+[\dA-F]{2})*$/.test(text)) return undefined
  const decoded = text.replaceAll(/\+([\dA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return /^[ -~]*$/.test(decoded) ? decoded : undefined
}
