/** Text as it is, and nothing but text: it may be long, and strangers may have written it. */
import classes from './text-block.module.css'

export interface TextBlockProps {
  readonly label: string
  readonly text: string
}

export function TextBlock({ label, text }: TextBlockProps) {
  return (
    <pre className={classes.text} role="region" tabIndex={0} aria-label={label}>
      {text}
    </pre>
  )
}
