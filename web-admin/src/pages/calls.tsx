import { useConsole } from '../console.ts'
import { PageHead } from '../parts/card.tsx'
import { common } from '../texts/common.ts'
import { Calls } from '../views/calls.tsx'

export default function CallsPage() {
  const { api } = useConsole()
  return (
    <>
      <PageHead title={common.pages.calls} />
      <Calls api={api} />
    </>
  )
}
