import { useConsole } from '../console.ts'
import { PageHead } from '../parts/card.tsx'
import { common } from '../texts/common.ts'
import { Site } from '../views/site.tsx'

export default function SettingsPage() {
  const { api } = useConsole()
  return (
    <>
      <PageHead title={common.pages.settings} />
      <Site api={api} />
    </>
  )
}
