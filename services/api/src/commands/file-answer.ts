/** An answer that is not JSON: a document to be kept as it is. */
export class FileAnswer {
  /** Media type, with its charset. */
  readonly type: string
  /** Of the file, as it is saved. */
  readonly name: string
  readonly text: string

  constructor(type: string, name: string, text: string) {
    this.type = type
    this.name = name
    this.text = text
  }
}
