/** Values over time as a line or bars, in SVG; for whoever does not see it, the same as a table. */
import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './chart.module.css'

export interface ChartPoint {
  readonly at: string
  readonly value: number
}

export interface ChartProps {
  readonly label: string
  readonly kind: 'line' | 'bars'
  /** By time. */
  readonly points: readonly ChartPoint[]
  /** What a point stands for. */
  readonly step: 'hour' | 'day'
  readonly show: (value: number) => string
  /** Said when there are no points. */
  readonly none: string
}

const WIDTH = 400
const HEIGHT = 130

export function Chart({ label, kind, points, step, show, none }: ChartProps) {
  const { i18n } = useTranslation()
  const id = useId()
  if (points.length === 0) return <p className="muted">{none}</p>
  const time = new Intl.DateTimeFormat(
    i18n.language,
    step === 'hour'
      ? { weekday: 'short', hour: 'numeric' }
      : { day: 'numeric', month: 'short', timeZone: 'UTC' },
  )
  const when = (point: ChartPoint | undefined): string =>
    point === undefined ? '' : time.format(new Date(point.at))
  const top = Math.max(...points.map(({ value }) => value))
  return (
    <figure className={classes.figure} aria-labelledby={id}>
      <div className={classes.top} aria-hidden="true">
        {show(top)}
      </div>
      <svg
        viewBox={`0 0 ${String(WIDTH)} ${String(HEIGHT)}`}
        preserveAspectRatio="none"
        className={classes.svg}
        aria-hidden="true"
      >
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} className={classes.axis} />
        {kind === 'line' ? <Line points={points} top={top} /> : <Bars points={points} top={top} />}
      </svg>
      <div className={classes.times} aria-hidden="true">
        <span>{when(points[0])}</span>
        <span>{when(points.at(-1))}</span>
      </div>
      <figcaption id={id} className={classes.hidden}>
        {label}
      </figcaption>
      <table className={classes.hidden} aria-label={label}>
        <tbody>
          {points.map((point) => (
            <tr key={point.at}>
              <th scope="row">{when(point)}</th>
              <td>{show(point.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}

interface Drawn {
  readonly points: readonly ChartPoint[]
  readonly top: number
}

const MARGIN = 6

function heightOf(value: number, top: number): number {
  return top === 0 ? 0 : (value / top) * (HEIGHT - MARGIN)
}

/** One point alone is a level line. */
function Line({ points, top }: Drawn) {
  const drawn = points.length === 1 ? [...points, ...points] : points
  const gap = WIDTH / (drawn.length - 1)
  const line = drawn
    .map(({ value }, index) => `${(index * gap).toFixed(1)},${(HEIGHT - heightOf(value, top)).toFixed(1)}`)
    .join(' ')
  return (
    <>
      <polygon
        points={`0,${String(HEIGHT)} ${line} ${String(WIDTH)},${String(HEIGHT)}`}
        className={classes.area}
      />
      <polyline points={line} className={classes.line} />
    </>
  )
}

function Bars({ points, top }: Drawn) {
  const gap = WIDTH / points.length
  return points.map(({ at, value }, index) => (
    <rect
      key={at}
      x={index * gap + gap * 0.12}
      width={gap * 0.76}
      y={HEIGHT - heightOf(value, top)}
      height={heightOf(value, top)}
      className={classes.bar}
    />
  ))
}
