/** Whose account page this is. The session is a cookie that no script can read; the password is sent once and forgotten. */
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { Problem } from './problem.ts'
import { request, setCsrfToken } from './request.ts'
import { SESSION } from './session.ts'
import type { Account } from './types.ts'

const PATH = '/v1/account-session'
const KEY = [SESSION, 'own'] as const

export interface Credentials {
  readonly jid: string
  readonly password: string
}

/** `null`: nobody is signed in. */
export function useOwnAccount(): UseQueryResult<Account | null, Problem> {
  return useQuery<Account | null, Problem>({ queryKey: KEY, queryFn: loadSession, staleTime: Infinity })
}

async function loadSession(): Promise<Account | null> {
  try {
    const { account, csrf } = await request('GET', PATH, {})
    setCsrfToken(csrf)
    return account
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null
    throw error
  }
}

export function useAccountSignIn() {
  const client = useQueryClient()
  return useMutation<Account, Problem, Credentials>({
    mutationFn: async (credentials) => {
      const { account, csrf } = await request('POST', PATH, { body: credentials })
      setCsrfToken(csrf)
      return account
    },
    onSuccess: (account) => client.setQueryData(KEY, account),
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
