/** Gives the reader JSON that was made in this page. */
export function saveFile(name: string, content: object): void {
  save(name, JSON.stringify(content, undefined, 2), 'application/json')
}

/** The same as JSON lines. */
export function saveLines(name: string, items: readonly object[]): void {
  save(name, items.map((item) => `${JSON.stringify(item)}\n`).join(''), 'application/x-ndjson')
}

function save(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
