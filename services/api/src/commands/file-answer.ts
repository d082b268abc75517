/** An answer that is not JSON: a document to be kept as it is. */
export class FileAnswer {
  /** Media type, with its charset. */
  readonly type: string
  /** Of the file, as it is saved. */
  readonly name: string
  /** In pieces, as they are made: what fails on the way breaks the answer off. */
  readonly text: string | AsyncIterable<string>

  constructor(type: string, name: string, text: string | AsyncIterable<string>) {
    this.type = type
    this.name = name
    this.text = text
  }
}
