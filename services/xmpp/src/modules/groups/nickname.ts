/** Nicknames in groups: which are taken, and which look like another's (XEP-0045 §7.2.8, RFC 8266 §2.4). Their form as resourcepart (RFC 7622 §3.4) is the JID's to check. */

/** Each presence and message of a group carries one. */
const NICK_BYTES_MAX = 128
/** Marks that change how what follows is read, or are read as nothing; PRECIS lets some of them through. */
const UNSEEN = /[\p{Cf}\p{Cc}\p{Co}\p{Cn}]/u

/** Whether it may be one: short, seen as what it is, without spaces that nobody sees (RFC 8266 §2.1). */
export function isNickname(nick: string): boolean {
  if (nick === '' || Buffer.byteLength(nick) > NICK_BYTES_MAX) return false
  return !UNSEEN.test(nick) && nick === nick.replaceAll(/\p{Zs}+/gu, ' ').trim() && keyOf(nick) !== ''
}

/** Letters of Cyrillic and Greek, and the Latin ones that they look like in most fonts (UTS 39 §4). */
const LOOKALIKES = new Map(
  [
    ['АВЕЅІЈКМНОРСТУХԚԜ', 'ABESIJKMHOPCTYXQW'],
    ['аеѕіјорсухһԁԛԝӏ', 'aesijopcyxhdqwl'],
    ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZHIKMNOPTYX'],
    ['αιορνı', 'aiopvi'],
  ].flatMap(([from = '', to = '']) => Array.from(from, (letter, at) => [letter, to.charAt(at)] as const)),
)

/** Tells of others whether whoever reads one may take it for this nickname: the same, or written with letters that look the same. */
export function likenessOf(nick: string): (other: string) => boolean {
  const [plain, latin] = [keyOf(nick), keyOf(inLatin(nick))]
  return (other) => keyOf(other) === plain || keyOf(inLatin(other)) === latin
}

function inLatin(nick: string): string {
  return nick
    .normalize('NFKC')
    .replaceAll(/[\p{Script=Cyrillic}\p{Script=Greek}ı]/gu, (letter) => LOOKALIKES.get(letter) ?? letter)
}

/** Two nicknames with the same key are the same to whoever reads them (RFC 8266 §2.4). */
export function keyOf(nick: string): string {
  return nick
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFKC')
    .replaceAll(/\p{Zs}+/gu, ' ')
    .trim()
}
