import { PageHead } from '../parts/card.tsx'
import { common } from '../texts/common.ts'

export default function Home() {
  return <PageHead title={common.pages.home} />
}
