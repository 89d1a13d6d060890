import { Claim } from '../views/claim.tsx'
import type { VisitProps } from '../visit.ts'

export function Visit({ setup, onChanged }: VisitProps) {
  return <Claim setup={setup} onClaimed={async () => onChanged()} />
}
