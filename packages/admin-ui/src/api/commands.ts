/**
 * The one way of acting. A command is sent with the CSRF token and an Idempotency-Key; where the server wants a fresh proof of who
 * asks, that is asked for and the same command repeated; where a second administrator must agree, the answer says so.
 */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useAnnounce } from '../parts/announcer.tsx'
import { useProof } from './proof.tsx'
import type { Answer, Input, Method, PathOf } from './operations.ts'
import { Problem } from './problem.ts'
import { request } from './request.ts'
import { useReloadSession } from './session.ts'

type Writing = Exclude<Method, 'GET'>

export interface CommandOptions<M extends Writing, P extends PathOf<M>> {
  readonly method: M
  readonly path: P
  /** Paths whose queries show something else after this. A path stands for all that begin with it. */
  readonly changes?: readonly string[]
  /** Said to the reader when it is done. */
  readonly done?: string
  readonly onDone?: (result: Answer<M, P>) => void
}

export type CommandInput<M extends Writing, P extends PathOf<M>> = Input<M, P> & {
  /** Why, for the audit log. */
  readonly reason?: string
  /** Called when this one is done. */
  readonly onDone?: () => void
}

/** How a command is under way, whatever it is. */
export interface CommandState {
  readonly isRunning: boolean
  readonly problem: Problem | null
  readonly reset: () => void
}

export interface Command<M extends Writing, P extends PathOf<M>> extends CommandState {
  readonly run: (input: CommandInput<M, P>) => void
  readonly result: Answer<M, P> | undefined
}

export function useCommand<M extends Writing, P extends PathOf<M>>(
  options: CommandOptions<M, P>,
): Command<M, P> {
  const { method, path, changes = [], done, onDone } = options
  const client = useQueryClient()
  const reloadSession = useReloadSession()
  const prove = useProof()
  const announce = useAnnounce()
  const mutation = useMutation<Answer<M, P>, Problem, CommandInput<M, P>>({
    mutationFn: async (input) => {
      const headers: Record<string, string> = {
        'idempotency-key': crypto.randomUUID(),
        ...(input.reason === undefined ? {} : { 'sealpost-reason': encodeURIComponent(input.reason) }),
      }
      const send = (approval?: string): Promise<Answer<M, P>> => {
        const approved: Record<string, string> =
          approval === undefined ? {} : { 'sealpost-approval': approval }
        return request(method, path, { ...input, headers: { ...headers, ...approved } })
      }
      const sendApproved = async (): Promise<Answer<M, P>> => {
        try {
          return await send()
        } catch (error) {
          const approval = error instanceof Problem ? await approvedBy(error) : undefined
          if (approval === undefined) throw error
          return send(approval)
        }
      }
      try {
        return await sendApproved()
      } catch (error) {
        if (!(error instanceof Problem && wantsProof(error))) throw error
        await prove()
        return sendApproved()
      }
    },
    onSuccess: async (result, input) => {
      onDone?.(result)
      input.onDone?.()
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
    run: (input) => mutation.mutate(input),
    isRunning: mutation.isPending,
    problem: mutation.error,
    result: mutation.data,
    reset: () => mutation.reset(),
  }
}

function wantsProof({ status, type }: Problem): boolean {
  return status === 403 && type === 'proof-needed'
}

/** The approval that a refusal waits for, once another administrator has given it. */
async function approvedBy({ type, extra }: Problem): Promise<string | undefined> {
  const id = extra['approval']
  if (type !== 'approval-needed' || typeof id !== 'string') return undefined
  const { state } = await request('GET', '/v1/approvals/{id}', { params: { id } })
  return state === 'approved' ? id : undefined
}
