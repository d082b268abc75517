import '@mantine/core/styles.css'
import './app/palette.css'
import { lazy, StrictMode, Suspense, type ComponentType } from 'react'
import { createRoot } from 'react-dom/client'
import { Router } from 'wouter'
import { startLanguage } from './app/language.ts'
import { Providers } from './app/providers.tsx'

/** Each area is an application of its own behind its address. */
const AREAS: Readonly<Record<string, ComponentType>> = {
  '/admin': lazy(() => import('./pages/admin.tsx')),
  '/account': lazy(() => import('./pages/account-area.tsx')),
  '/status': lazy(() => import('./pages/status-area.tsx')),
}

const base = `/${location.pathname.split('/')[1] ?? ''}`
const Area = AREAS[base]
const root = document.querySelector('#root')

await startLanguage()
if (root !== null && Area !== undefined)
  createRoot(root).render(
    <StrictMode>
      <Providers>
        <Router base={base}>
          <Suspense>
            <Area />
          </Suspense>
        </Router>
      </Providers>
    </StrictMode>,
  )
