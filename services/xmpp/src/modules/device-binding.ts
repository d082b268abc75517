/**
 * Binds devices to their accounts by what a client says of its device inside `<user-agent/>` (XEP-0388 §2.3):
 * `<hardware xmlns='urn:sealpost:device:0' type='…' id='…'/>`, kept as keyed hashes. With the password a device says what it is, also anew; with a token
 * (XEP-0484) it has to say the same as then.
 */
import { timingSafeEqual } from 'node:crypto'
import { DEVICE_TYPE_CHARS_MAX, HARDWARE_ID_CHARS_MAX } from '@sealpost/ports'
import { SaslError } from '@sealpost/sasl'
import { type Element, element, NS_DEVICE } from '@sealpost/stanza'
import { defineModule, type Hooks, type Module } from '../core/module.ts'
import type { DeviceHashes, DeviceProperties } from '../delivery/device-hashes.ts'
import { type DeviceRegistry, installationIdentity } from '../delivery/device-registry.ts'

export interface DeviceBindingOptions {
  readonly devices: DeviceRegistry
  readonly deviceHashes: DeviceHashes
}

export const deviceBinding = (options: DeviceBindingOptions): Module =>
  defineModule({
    name: 'device-binding',
    implements: [],
    depends: ['sasl2', 'fast'],
    setup(host) {
      host.hook('sasl2/features', ({ inline }) => {
        inline.push(element('hardware', NS_DEVICE)) // nobody else is told
        return undefined
      })
      host.hook('sasl2/proven', async (event) => {
        if (event.stream.data.fastToken !== undefined && !(await isOnItsHardware(options, event)))
          throw new SaslError('not-authorized')
        return undefined
      })
      host.hook('sasl2/identified', async ({ account, request, device }) => {
        const { devices, deviceHashes } = options
        const said = readProperties(request)
        if (said !== undefined)
          await devices.bind(account.id, device.id, deviceHashes.bindingOf(account.id, said))
        return undefined
      })
    },
  })

/** Whether the installation is bound to no hardware, or to that which it names. */
async function isOnItsHardware(
  { devices, deviceHashes }: DeviceBindingOptions,
  { account, request, userAgent }: Parameters<Hooks['sasl2/proven']>[0],
): Promise<boolean> {
  const name = installationIdentity(account, userAgent ?? '').toString('hex')
  const known = (await devices.queuesOf(account)).devices.find(({ identity }) => identity === name)
  if (known?.hardwareHash === undefined) return true
  const said = readProperties(request)
  const shown = said && deviceHashes.bindingOf(account.id, said).hardwareHash
  return shown !== undefined && timingSafeEqual(shown, known.hardwareHash)
}

/** Undefined: the client says nothing. */
function readProperties(request: Element): DeviceProperties | undefined {
  const { type, id } = request.child('user-agent')?.child('hardware', NS_DEVICE)?.attrs ?? {}
  if (type === undefined && id === undefined) return undefined
  return {
    type: bounded(type, DEVICE_TYPE_CHARS_MAX),
    hardwareId: bounded(id, HARDWARE_ID_CHARS_MAX),
  }
}

function bounded(value: string | undefined, charsMax: number): string | undefined {
  if (value !== undefined && (value.trim() === '' || value.length > charsMax))
    throw new SaslError('malformed-request')
  return value
}
