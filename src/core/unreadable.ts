/** Why a file that somebody named cannot be read, in words for them. `error`: what Node's file functions throw. */
export function whyUnreadable(file: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no file ${file}`
    case 'EISDIR':
      return `${file} is a directory`
    case 'EACCES':
      return `${file} may not be read by this user`
    default:
      return `${file} cannot be read: ${message}`
  }
}
