/** What the clients for the terminal have in common: a screen, a keyboard, and `/quit`. */
import type { Terminal } from './terminal.ts'

export abstract class TerminalClient {
  protected readonly terminal: Terminal

  protected constructor(terminal: Terminal) {
    this.terminal = terminal
  }

  /** What is on the screen, long lines joined. */
  screen(): Promise<string> {
    return this.terminal.screen()
  }

  type(line: string): Promise<void> {
    return this.terminal.type(line)
  }

  /** Waits until the screen shows `text`. */
  shows(text: string): Promise<void> {
    return this.terminal.shows(text)
  }

  /** Closes the stream and the program. */
  async quit(): Promise<void> {
    await this.type('/quit')
    await this.terminal.ended()
  }
}
