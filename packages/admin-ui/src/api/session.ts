/** Who is signed in to the panel. The session itself is a cookie that no script can read. */
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { useCallback } from 'react'
import type { Answer } from './operations.ts'
import { Problem } from './problem.ts'
import { request, setCsrfToken } from './request.ts'

/** Of an administrator. */
export type Session = Answer<'GET', '/v1/session'>

export const SESSION_PATH = '/v1/session'
/** What queries about who is signed in begin with. */
export const SESSION = 'session'
const SESSION_KEY = [SESSION] as const

/** `null`: nobody is signed in. */
export function useSession(): UseQueryResult<Session | null, Problem> {
  return useQuery<Session | null, Problem>({
    queryKey: SESSION_KEY,
    queryFn: loadSession,
    staleTime: Infinity,
  })
}

async function loadSession(): Promise<Session | null> {
  try {
    const session = await request('GET', SESSION_PATH, {})
    setCsrfToken(session.csrf)
    return session
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null
    throw error
  }
}

/** Has the session read anew: after signing in, and when an answer says that it is over. */
export function useReloadSession(): () => Promise<void> {
  const client = useQueryClient()
  return useCallback(() => client.invalidateQueries({ queryKey: SESSION_KEY }), [client])
}

/** Forgets all that was shown to the one who has left. */
export function useForgetSession(): () => void {
  const client = useQueryClient()
  return useCallback(() => {
    setCsrfToken(undefined)
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION })
    client.setQueryData(SESSION_KEY, null)
  }, [client])
}

/** Deny by default: without the permission neither the page nor the button is there. */
export function useMay(): (permission: string) => boolean {
  const { data } = useSession()
  const held: readonly string[] = data?.administrator.permissions ?? []
  return (permission) => held.includes('*') || held.includes(permission)
}
