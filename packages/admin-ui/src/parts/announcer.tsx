/** Says what was done: shown for a while, and read out by screen readers (WCAG 2.2, 4.1.3). */
import { createContext, useCallback, useContext, useState, type ReactNode } from 'react'
import classes from './announcer.module.css'
import { Icon } from './icon.tsx'

type Announce = (text: string) => void

interface Said {
  readonly id: number
  readonly text: string
}

const SHOWN_MS = 6_000
const SHOWN_MAX = 3

const AnnouncerContext = createContext<Announce>(() => {})

export function useAnnounce(): Announce {
  return useContext(AnnouncerContext)
}

let lastId = 0

export function AnnouncerProvider({ children }: { readonly children: ReactNode }) {
  const [said, setSaid] = useState<readonly Said[]>([])
  const announce = useCallback<Announce>((text) => {
    lastId += 1
    const id = lastId
    setSaid((before) => [...before, { id, text }].slice(-SHOWN_MAX))
    setTimeout(() => setSaid((before) => before.filter((one) => one.id !== id)), SHOWN_MS)
  }, [])
  return (
    <AnnouncerContext value={announce}>
      {children}
      <div className={classes.stack} role="status" aria-live="polite">
        {said.map(({ id, text }) => (
          <p key={id} className={classes.said}>
            <Icon name="check" />
            {text}
          </p>
        ))}
      </div>
    </AnnouncerContext>
  )
}
