import '../calls/calls.css'
import { Ask } from '../help/ask.tsx'
import { PageHead } from '../parts/card.tsx'
import '../help/help.css'
import { Networks } from '../help/networks.tsx'
import { Tools } from '../help/tools.tsx'
import type { Place } from '../router.ts'
import { common } from '../texts/common.ts'

export default function HelpPage({ place }: { readonly place: Place }) {
  return (
    <>
      <PageHead title={common.pages.help} />
      <div class="stack">
        <Ask query={place.query} />
        <Networks />
        <Tools />
      </div>
    </>
  )
}
