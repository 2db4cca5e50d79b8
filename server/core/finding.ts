/** What was looked at, and what to do about it. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'problem'
  readonly subject: string
  readonly text: string
}

export function ok(subject: string, text: string): Finding {
  return { level: 'ok', subject, text }
}

export function warning(subject: string, text: string): Finding {
  return { level: 'warning', subject, text }
}

export function problem(subject: string, text: string): Finding {
  return { level: 'problem', subject, text }
}
