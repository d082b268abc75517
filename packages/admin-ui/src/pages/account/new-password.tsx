/** Fields for a password that one types twice, and what the server gets of it: verifiers, never the password. */
import { PasswordInput } from '@mantine/core'
import { makeVerifiers, type PasswordVerifier } from '@sealpost/api-client/verifiers'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

const PASSWORD_CHARS_MAX = 1023

export interface NewPassword {
  readonly first: string
  readonly again: string
  readonly onFirst: (text: string) => void
  readonly onAgain: (text: string) => void
  /** What is wrong with it, said at the field. */
  readonly problem: 'differ' | 'unacceptable' | undefined
  /** Undefined: something is wrong with it. */
  readonly verifiers: () => Promise<PasswordVerifier[] | undefined>
  readonly clear: () => void
}

export function useNewPassword(): NewPassword {
  const [first, onFirst] = useState('')
  const [again, onAgain] = useState('')
  const [problem, setProblem] = useState<NewPassword['problem']>()
  return {
    first,
    again,
    onFirst,
    onAgain,
    problem,
    async verifiers() {
      const made = first === again ? await makeVerifiers(first) : undefined
      setProblem(made !== undefined ? undefined : first === again ? 'unacceptable' : 'differ')
      return made
    },
    clear() {
      onFirst('')
      onAgain('')
    },
  }
}

export function NewPasswordFields({ password }: { readonly password: NewPassword }) {
  const { t } = useTranslation()
  const { problem } = password
  return (
    <>
      <PasswordField
        label={t('own.password.new')}
        description={t('own.password.new_hint')}
        value={password.first}
        onChange={password.onFirst}
        autoComplete="new-password"
        error={problem === 'unacceptable' ? t('problems.password-unacceptable') : undefined}
      />
      <PasswordField
        label={t('own.password.again')}
        value={password.again}
        onChange={password.onAgain}
        autoComplete="new-password"
        error={problem === 'differ' ? t('common.mistyped') : undefined}
      />
    </>
  )
}

export interface PasswordFieldProps {
  readonly label: string
  readonly description?: string
  readonly value: string
  readonly onChange: (text: string) => void
  readonly autoComplete: 'current-password' | 'new-password'
  readonly error?: string | undefined
  readonly hasFocus?: boolean
}

export function PasswordField({ onChange, hasFocus, ...rest }: PasswordFieldProps) {
  const { t } = useTranslation()
  return (
    <PasswordInput
      {...rest}
      onChange={(event) => onChange(event.currentTarget.value)}
      maxLength={PASSWORD_CHARS_MAX}
      visibilityToggleButtonProps={{ 'aria-label': t('own.sign_in.show_password') }}
      data-autofocus={hasFocus}
      required
    />
  )
}
