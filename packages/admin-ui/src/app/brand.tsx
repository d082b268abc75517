import { useLook } from '../api/brand.ts'
import classes from './brand.module.css'

/** The seal and the name of the product, or the logo, name and colours of the organisation whose pages these are. */
export function Brand() {
  const { name, background, text, logo } = useLook()
  const isColoured = background !== undefined && text !== undefined
  return (
    <span
      className={isColoured ? `${classes.brand} ${classes.coloured}` : classes.brand}
      style={isColoured ? { background, color: text } : undefined}
    >
      {logo === undefined ? <Seal /> : <img src={logo} alt="" className={classes.logo} />}
      {name}
    </span>
  )
}

function Seal() {
  return (
    <svg aria-hidden="true" width="28" height="28" viewBox="0 0 32 32">
      <rect width="32" height="32" rx="8" className={classes.ground} />
      <path d="M8 11.5h16V22a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 8 22z" className={classes.line} />
      <path d="m8.5 11.5 7.5 6 7.5-6" className={classes.line} />
      <circle cx="16" cy="9" r="3" className={classes.wax} />
    </svg>
  )
}
