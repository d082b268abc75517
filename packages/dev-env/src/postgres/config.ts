/** What programs that we start inherit of our environment: the way to programs and the home directory, none of our variables. */
export function inheritedEnvironment(): { readonly PATH: string; readonly HOME: string } {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: process.env['HOME'] ?? '/' }
}
