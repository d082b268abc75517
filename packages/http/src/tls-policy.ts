/**
 * What every listener with TLS speaks (RFC 9325 §3.1, §3.5, §4.2): 1.2 and 1.3; of 1.2 only suites with forward secrecy and authenticated encryption, and no
 * renegotiation, which Node would allow three times in ten minutes. Compression is not built into Node.
 */
import { constants } from 'node:crypto'

export const TLS_POLICY = {
  minVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  ciphers: [
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'TLS_AES_128_GCM_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
  ].join(':'),
} as const
