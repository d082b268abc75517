/** Asks whoever sits there for a passkey once more, for actions that destroy something. */
import { createContext, useCallback, useContext, useRef, useState, type ReactNode } from 'react'
import { ProofDialog } from '../parts/proof-dialog.tsx'
import { Problem } from './problem.ts'

type Prove = () => Promise<void>

const ProofContext = createContext<Prove>(() => Promise.reject(new Problem('proof-needed', '', 403)))

/** Resolves when the proof was given, rejects when it was not. */
export function useProof(): Prove {
  return useContext(ProofContext)
}

export function ProofProvider({ children }: { readonly children: ReactNode }) {
  const [isOpen, setOpen] = useState(false)
  const waiting = useRef<PromiseWithResolvers<void> | null>(null)

  const prove = useCallback<Prove>(() => {
    waiting.current ??= Promise.withResolvers<void>()
    setOpen(true)
    return waiting.current.promise
  }, [])

  const close = (problem: Problem | null): void => {
    setOpen(false)
    if (problem === null) waiting.current?.resolve()
    else waiting.current?.reject(problem)
    waiting.current = null
  }

  return (
    <ProofContext value={prove}>
      {children}
      <ProofDialog
        isOpen={isOpen}
        onProved={() => close(null)}
        onCancel={() => close(new Problem('proof-cancelled', '', 403))}
      />
    </ProofContext>
  )
}
