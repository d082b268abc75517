/** What the API answers when it refuses (RFC 9457). */
const PREFIX = 'urn:sealpost:problem:'

/** `type` is the word after the prefix, `about:blank` where the status says all, `unreachable` where nothing answered. */
export class Problem extends Error {
  override name = 'Problem'
  readonly type: string
  readonly title: string
  readonly status: number
  /** Members besides (RFC 9457 §3.2). */
  readonly extra: Readonly<Record<string, unknown>>

  constructor(type: string, title: string, status: number, extra: Readonly<Record<string, unknown>> = {}) {
    super(title)
    this.type = type
    this.title = title
    this.status = status
    this.extra = extra
  }
}

/** The problem in an answer, whatever its body is. */
export async function readProblem(response: Response): Promise<Problem> {
  try {
    const body = (await response.json()) as Record<string, unknown>
    const { type, title, status: _status, ...extra } = body
    const word = typeof type === 'string' ? type.replace(PREFIX, '') : 'about:blank'
    return new Problem(word, typeof title === 'string' ? title : response.statusText, response.status, extra)
  } catch {
    return new Problem('about:blank', response.statusText, response.status)
  }
}
