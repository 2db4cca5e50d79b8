import type { SpentDay } from '../../../../server/ledger/spending.ts'
import { creditsOf } from '../../shell/credits.ts'

interface DayBarsProps {
  /** Instants, between which the days are. */
  readonly from: Date
  readonly to: Date
  readonly days: readonly SpentDay[]
  /** The cost of the highest bar of all charts beside each other. */
  readonly most: number
}

const DAY_MS = 86_400_000
const HEIGHT = 24
const STEP = 6

/** A bar for each day. Its highest day is told to those who do not see it. */
export function DayBars({ from, to, days, most }: DayBarsProps) {
  const first = Math.floor(from.getTime() / DAY_MS)
  const count = Math.floor(to.getTime() / DAY_MS) - first + 1
  const [highest] = [...days].sort((one, other) => other.cost - one.cost)
  const label = highest ? `Most on ${highest.day}: ${creditsOf(highest.cost)}` : 'Nothing'
  return (
    <svg className="bars" role="img" aria-label={label} viewBox={`0 0 ${count * STEP} ${HEIGHT}`}>
      <title>{label}</title>
      {days.map(({ day, cost }) => {
        const height = most === 0 ? 1 : Math.max(1, (cost / most) * HEIGHT)
        return (
          <rect
            key={day}
            x={(Date.parse(day) / DAY_MS - first) * STEP}
            y={HEIGHT - height}
            width={STEP - 1}
            height={height}
          />
        )
      })}
    </svg>
  )
}
