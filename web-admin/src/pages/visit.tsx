import type { VisitProps } from '../app.tsx'
import { Claim } from '../views/claim.tsx'

export function Visit({ setup, onChanged }: VisitProps) {
  return <Claim setup={setup} onClaimed={async () => onChanged()} />
}
