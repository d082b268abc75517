import { defineConfig } from '@sealpost/config'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const read = (witnesses: string) => defineConfig({ TLOG_WITNESSES: witnesses }, readConfig)

/** The key of C2SP signed-note as one of a witness: other type, other id. */
const WITNESS = 'example.com/foo+7c264079+BOkyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'

test('witnesses are verifier keys of cosignatures, 16 at most', () => {
  expect(defineConfig({}, readConfig).witnesses).toEqual([])
  expect(read(`${WITNESS}, ${WITNESS}`).witnesses).toMatchObject([
    { name: 'example.com/foo' },
    { name: 'example.com/foo' },
  ])
  for (const wrong of ['x', 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'])
    expect(() => read(wrong)).toThrow('TLOG_WITNESSES must list verifier keys of Ed25519 cosignatures')
  expect(() => read(Array.from({ length: 17 }, () => WITNESS).join())).toThrow(
    'TLOG_WITNESSES must list 16 keys',
  )
})
