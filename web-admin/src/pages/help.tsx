import { PageHead } from '../parts/card.tsx'
import { common } from '../texts/common.ts'

export default function HelpPage() {
  return <PageHead title={common.pages.help} />
}
