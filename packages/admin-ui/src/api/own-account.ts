/** Whose account page this is. The session is a cookie that no script can read; the password is sent once and forgotten. */
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import type { Answer } from './operations.ts'
import { Problem } from './problem.ts'
import { request, setCsrfToken } from './request.ts'
import { SESSION } from './session.ts'

const PATH = '/v1/account-session'
const KEY = [SESSION, 'own'] as const

export interface Credentials {
  readonly jid: string
  readonly password: string
}

/** Who is signed in to the page of their account. */
export type OwnSession = Answer<'GET', typeof PATH>

/** `null`: nobody is signed in. */
export function useOwnSession(): UseQueryResult<OwnSession | null, Problem> {
  return useQuery<OwnSession | null, Problem>({ queryKey: KEY, queryFn: loadSession, staleTime: Infinity })
}

/** What this server has that others may not have. */
export function useModules(): OwnSession['modules'] {
  return useOwnSession().data?.modules ?? []
}

async function loadSession(): Promise<OwnSession | null> {
  try {
    const session = await request('GET', PATH, {})
    setCsrfToken(session.csrf)
    return session
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null
    throw error
  }
}

export function useAccountSignIn() {
  const client = useQueryClient()
  return useMutation<OwnSession, Problem, Credentials>({
    mutationFn: async (credentials) => {
      const session = await request('POST', PATH, { body: credentials })
      setCsrfToken(session.csrf)
      return session
    },
    onSuccess: (session) => client.setQueryData(KEY, session),
  })
}

/** Ends the session, and forgets all that was shown. */
export function useAccountSignOut() {
  const client = useQueryClient()
  return useMutation<unknown, Problem>({
    mutationFn: () => request('DELETE', PATH, {}),
    onSettled: () => {
      setCsrfToken(undefined)
      client.setQueryData(KEY, null)
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION })
      client.getMutationCache().clear()
    },
  })
}
