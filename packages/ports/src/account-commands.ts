/** What the relay may ask of the API for one of its users: which commands they may give (XEP-0050), with which fields, and what came of one. */

/** `secret`: not shown while it is typed. `choice`, `choices`: one or several of `options`. */
export const COMMAND_FIELD_KINDS = [
  'text',
  'secret',
  'number',
  'flag',
  'choice',
  'choices',
  'address',
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

/** Rejects with PortError when the API is in another process and away. */
export interface AccountCommands {
  /** In the order of the documentation. */
  offered(accountId: string): Promise<readonly OfferedCommand[]>
  /** Undefined: there is no such command for them. */
  form(accountId: string, name: string): Promise<CommandForm | undefined>
  /** Undefined: there is no such command for them. */
  run(accountId: string, name: string, values: CommandValues): Promise<CommandOutcome | undefined>
}
