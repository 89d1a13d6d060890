/** Text in XML and HTML. What a trace tells comes from clients and phones: all of it passes here. */

/** XML 1.0 §2.2: characters that no escape can bring in are left out, as are those that turn text around. */
export const escaped = (text: string): string =>
  text
    .replace(
      /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
      '',
    )
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;')

export const cut = (text: string, most: number): string => {
  if (text.length <= most) return text
  const characters = [...text]
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`
}
