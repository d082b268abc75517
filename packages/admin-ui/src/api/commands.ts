/**
 * The one way of acting. A command is sent with the CSRF token and an Idempotency-Key; where the server wants a fresh proof of who
 * asks, that is asked for and the same command repeated; where a second administrator must agree, the answer says so.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useAnnounce } from '../parts/announcer.tsx'
import { useProof } from './proof.tsx'
import { Problem } from './problem.ts'
import { request, type Method, type RequestOptions } from './request.ts'
import { useReloadSession } from './session.ts'

export interface CommandOptions<T> {
  readonly method: Exclude<Method, 'GET'>
  readonly path: string
  /** Paths whose queries show something else after this. A path stands for all that begin with it. */
  readonly changes?: readonly string[]
  /** Said to the reader when it is done. */
  readonly done?: string
  readonly onDone?: (result: T) => void
}

export interface CommandInput extends Pick<RequestOptions, 'params' | 'query' | 'body' | 'headers'> {
  /** Why, for the audit log. */
  readonly reason?: string
}

export interface CommandState<T> {
  readonly run: (input?: CommandInput) => void
  readonly isRunning: boolean
  readonly problem: Problem | null
  readonly result: T | undefined
  readonly reset: () => void
}

export function useCommand<T>({
  method,
  path,
  changes = [],
  done,
  onDone,
}: CommandOptions<T>): CommandState<T> {
  const client = useQueryClient()
  const reloadSession = useReloadSession()
  const prove = useProof()
  const announce = useAnnounce()
  const mutation = useMutation<T, Problem, CommandInput>({
    mutationFn: async (input) => {
      const headers = {
        'idempotency-key': crypto.randomUUID(),
        ...(input.reason === undefined ? {} : { 'sealpost-reason': encodeURIComponent(input.reason) }),
        ...input.headers,
      }
      const send = () => request<T>(method, path, { ...input, headers })
      try {
        return await send()
      } catch (error) {
        if (!(error instanceof Problem) || !wantsProof(error)) throw error
        await prove()
        return send()
      }
    },
    onSuccess: async (result) => {
      onDone?.(result)
      if (done !== undefined) announce(done)
      await client.invalidateQueries({
        predicate: ({ queryKey }) => changes.some((prefix) => String(queryKey[0]).startsWith(prefix)),
      })
    },
    onError: (problem) => {
      if (problem.status === 401) void reloadSession()
    },
  })
  return {
    run: (input = {}) => mutation.mutate(input),
    isRunning: mutation.isPending,
    problem: mutation.error,
    result: mutation.data,
    reset: () => mutation.reset(),
  }
}

export function wantsProof({ status, type }: Problem): boolean {
  return status === 403 && (type === 'proof-needed' || type === 'step-up-needed')
}
