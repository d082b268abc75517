/** What every page stands in: look, queries, announcements. */
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { useState, type ReactNode } from 'react'
import { ProofProvider } from '../api/proof.tsx'
import { createQueryClient } from '../api/queries.ts'
import { AnnouncerProvider } from '../parts/announcer.tsx'
import { colorSchemeManager, cssVariablesResolver, theme } from './theme.ts'

/** The nonce of this answer, by which the page's Content-Security-Policy knows styles that are made at run time. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''

// What locks the scroll behind a dialog makes a style element, too, and asks here.
Object.assign(globalThis, { __webpack_nonce__: nonce })

export function Providers({ children }: { readonly children: ReactNode }) {
  const [client] = useState(createQueryClient)
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={client}>
        <AnnouncerProvider>
          <ProofProvider>{children}</ProofProvider>
        </AnnouncerProvider>
      </QueryClientProvider>
    </MantineProvider>
  )
}
