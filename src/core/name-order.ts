/** The order in which people are told, by the appliance and by the console alike. */

interface Named {
  readonly name: string
  readonly displayName: string
}

/** Not by the machine's language: a list is not to change with who starts the daemon, or looks at it. */
const letters = new Intl.Collator('en', { sensitivity: 'base', numeric: true })

/** For `sort`: as people look for names, `Person 2` before `Person 10`. */
export const byName = (a: Named, b: Named): number =>
  letters.compare(a.displayName, b.displayName) || letters.compare(a.name, b.name)
