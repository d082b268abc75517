/** What the relay may ask of the API for one of its users: which commands they may give (XEP-0050), with which fields, and what came of one; and those of administration, by API key (XEP-0133). */

/** `secret`: not shown while it is typed. `choice`, `choices`: one or several of `options`. `addresses`: several. */
export const COMMAND_FIELD_KINDS = [
  'text',
  'secret',
  'number',
  'flag',
  'choice',
  'choices',
  'address',
  'addresses',
] as const
export type CommandFieldKind = (typeof COMMAND_FIELD_KINDS)[number]

export interface CommandField {
  readonly name: string
  readonly kind: CommandFieldKind
  readonly required: boolean
  readonly label: string
  readonly options: readonly string[]
}

export interface OfferedCommand {
  /** `noun.verb` */
  readonly name: string
  readonly title: string
}

export interface CommandForm extends OfferedCommand {
  /** None: the command needs nothing. */
  readonly fields: readonly CommandField[]
}

/** Text for a person. */
export type CommandOutcome =
  | { readonly result: 'done'; readonly text: string }
  | { readonly result: 'refused'; readonly text: string }

/** Values of the fields by name; those that are absent were not given. */
export type CommandValues = Readonly<Record<string, readonly string[]>>

/** A command of administration, as over REST. */
export interface KeyedCommand {
  /** The API key; seen by nobody but the API. */
  readonly key: string
  /** `noun.verb` */
  readonly name: string
  readonly params?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
}

/** `answer`: what REST answers. `status`: as in HTTP; `text` is for a person. */
export type KeyedOutcome =
  | { readonly result: 'done'; readonly answer: unknown }
  | { readonly result: 'refused'; readonly status: number; readonly text: string }

/** Rejects with PortError when the API is in another process and away. */
export interface AccountCommands {
  /** In the order of the documentation. */
  offered(accountId: string): Promise<readonly OfferedCommand[]>
  /** Undefined: there is no such command for them. */
  form(accountId: string, name: string): Promise<CommandForm | undefined>
  /** Undefined: there is no such command for them. */
  run(accountId: string, name: string, values: CommandValues): Promise<CommandOutcome | undefined>
  /**
   * Carries a command out with the scopes of an API key, and puts it on record as the key's. Refused: an unknown key (401); a key without the scope, or one that is bound to
   * networks, which cannot be told from here (403); a command that is not for this way (404); and what the command itself refuses.
   */
  administer(asked: KeyedCommand): Promise<KeyedOutcome>
}
