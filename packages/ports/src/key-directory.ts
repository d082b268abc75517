/** What other services may ask of the key directory. */
export interface KeyDirectory {
  /** The certificate that is published for the address, binary; undefined: none is. Rejects with PortError when the directory is in another process and away. */
  find(address: string): Promise<Buffer | undefined>
}
