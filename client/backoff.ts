const quickTries = 3
const longestMilliseconds = 30_000

/**
 * Milliseconds to wait before try number `attempt` (0 is the first after a loss). The first tries come within 0.2 to
 * 1 s, because a restarted appliance is back that soon; then the wait doubles to 30 s, spread over its upper half so
 * that a house full of pages does not knock at once.
 */
export function backoffMilliseconds(attempt: number, random: number): number {
  if (attempt < quickTries) return 200 + 800 * random
  const ceiling = Math.min(longestMilliseconds, 1_000 * 2 ** (attempt - quickTries + 1))
  return ceiling / 2 + (ceiling / 2) * random
}
