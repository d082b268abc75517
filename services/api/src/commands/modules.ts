/** Which of the modules that can be off are on: pages show what there is. */
import { Type } from '@sealpost/http'
import type { CommandContext } from './command.ts'

const MODULES = ['affiliates', 'phone'] as const

export const modulesSchema = Type.Array(Type.Enum([...MODULES]), {
  description: 'Those that can be off, and are on',
})

export function modulesOf({
  affiliates,
  phones,
}: Pick<CommandContext, 'affiliates' | 'phones'>): (typeof MODULES)[number][] {
  const isOn = { affiliates: affiliates !== undefined, phone: phones !== undefined }
  return MODULES.filter((name) => isOn[name])
}
